"""Write ``docs/cli.md`` and ``docs/settings.md`` out of the code: ``python -m docs.generate``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import typer
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from typer.cli import get_docs_for_click
from typer.main import get_command

from bot.environment import PREFIX
from bot.settings import Settings
from bot.terminal.cli import app

DOCS = Path(__file__).parent
SETTINGS = """\
# Settings

In the environment or in `.env`. An unknown or wrong name is refused; an empty value is none.

| setting | default | meaning |
| --- | --- | --- |
"""


def cli_page() -> str:
    """All commands with their options, as typer tells them, in English."""
    with patch.dict(os.environ, VIRGOLETTE_LANGUAGE="en"):
        command = get_command(app)
        context = typer.Context(command, info_name="virgolette")
        return get_docs_for_click(obj=command, ctx=context, name="virgolette").strip() + "\n"


def settings_page() -> str:
    """All settings with their defaults and meanings."""
    rows = (
        f"| `{PREFIX}{name.upper()}` | {_default(field)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    return SETTINGS + "".join(rows)


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        value = "true" if value else "false"
    return "" if value in (None, "", (), frozenset()) else f"`{value}`"


if __name__ == "__main__":
    (DOCS / "cli.md").write_text(cli_page(), encoding="utf-8")
    (DOCS / "settings.md").write_text(settings_page(), encoding="utf-8")
