"""The help and the usage errors of the command line, in the language of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from bot.terminal.output import localized

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMARKS = ("[default: ", "required]")  # what typer adds to the help of a parameter


class Command(TyperCommand):
    """A command with localized help."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **_localized(options))

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the usage line."""
        _write_usage(self, ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        _write_parameters(self, ctx, formatter)


class Group(TyperGroup):
    """Commands with localized help; each is listed with the whole first sentence of its help."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        metavar = localized("COMMAND [ARGS]...")
        super().__init__(*arguments, **{**_localized(options), "subcommand_metavar": metavar})

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        """Write the usage line."""
        _write_usage(self, ctx, formatter)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write options and commands."""
        _write_parameters(self, ctx, formatter)
        with formatter.section(localized("Commands")):
            formatter.write_dl(
                [(name, _first_sentence(c.help or "")) for name, c in self.commands.items()]
            )


def usage_error(error: typer.TyperException) -> str:
    """What to print for an error of the command line: usage, where to find help, what is wrong.

    Without any command, typer raises an error that is the whole help.
    """
    context = getattr(error, "ctx", None)
    if context is None:
        return localized(f"Error: {error.format_message()}")
    if error.message == context.get_help():
        return error.message
    hint = localized(f"Try '{context.command_path} --help' for help.")
    return f"{context.get_usage()}\n{hint}\n\n{localized(f'Error: {error.format_message()}')}"


def _localized(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a command's constructor."""
    for parameter in options.get("params") or ():
        parameter.help = localized(parameter.help or "")
    metavar = localized(options.get("options_metavar") or "")
    return {**options, "help": localized(options.get("help") or ""), "options_metavar": metavar}


def _write_usage(command: Any, ctx: Any, formatter: Any) -> None:
    pieces = " ".join(command.collect_usage_pieces(ctx))
    formatter.write_usage(ctx.command_path, pieces, prefix=f"{localized('Usage:')} ")


def _write_parameters(command: Any, ctx: Any, formatter: Any) -> None:
    for kind, heading in (("argument", "Arguments"), ("option", "Options")):
        if records := list(_records(command, ctx, kind)):
            with formatter.section(localized(heading)):
                formatter.write_dl(records)


def _records(command: Any, ctx: Any, kind: str) -> Iterator[tuple[str, str]]:
    """Names and help of the parameters of a kind."""
    for parameter in command.get_params(ctx):
        if parameter.param_type_name == kind and (record := parameter.get_help_record(ctx)):
            name, text = record
            for remark in _REMARKS:
                text = text.replace(remark, localized(remark))
            yield name, localized(text)  # --help is typer's own


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".") + "." if text else ""
