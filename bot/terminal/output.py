"""What a command writes: JSON, or lines in the language of the user."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from bot.environment import interface_language
from bot.locales.translation import translated


def localized(text: str) -> str:
    """An English text of ours or of typer in the language of the user."""
    return translated(text, interface_language())


def localize_warnings() -> None:
    """Localize what is logged where no log is set up, as by the bot: it is for the user."""
    import logging

    class Localized(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return localized(super().format(record))

    if logging.lastResort:
        logging.lastResort.setFormatter(Localized())


def print_json(content: Mapping[str, Any]) -> None:
    """Print an object on a line."""
    print(json.dumps(content, ensure_ascii=False), flush=True)


def print_content(content: Mapping[str, Any], lines: Iterable[str], as_json: bool) -> None:
    """Print what a command has to say, as JSON or in lines."""
    if as_json:
        print_json(content)
    else:
        print("\n".join(lines))
