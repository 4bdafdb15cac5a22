"""What commands have in common: their settings, and how typer shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.environment import end_on_sigterm
from bot.terminal.output import localize_warnings

if TYPE_CHECKING:
    from bot.settings import Settings

FAILED, WRONG_USAGE = 1, 2  # exit codes
OutcomeAsJson = Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")]


def command_settings(*, writes: bool = False) -> Settings:
    """The settings. ``writes``: also make SIGTERM roll back what the command has begun."""
    from bot.settings import read_settings  # imports pydantic: a quarter of a second

    localize_warnings()
    settings = read_settings()
    if writes:
        end_on_sigterm()
    return settings
