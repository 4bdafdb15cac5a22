"""The help and the usage errors of the command line, in the language of the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from bot.terminal.output import localized

if TYPE_CHECKING:
    from collections.abc import Iterator

_REMARKS = ("[default: ", "required]")  # what typer adds to the help of a parameter


class _Localized:
    """What a command and a group have in common. The types of typer's arguments are not public."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        for parameter in options.get("params") or ():
            parameter.help = localized(parameter.help or "")
        for name in ("help", "options_metavar"):
            options[name] = localized(options.get(name) or "")
        super().__init__(*arguments, **options)

    def format_usage(self: Any, ctx: Any, formatter: Any) -> None:
        """Write the usage line."""
        pieces = " ".join(self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, pieces, prefix=f"{localized('Usage:')} ")

    def format_options(self: Any, ctx: Any, formatter: Any) -> None:
        """Write arguments and options."""
        for kind, heading in (("argument", "Arguments"), ("option", "Options")):
            if records := list(_records(self, ctx, kind)):
                with formatter.section(localized(heading)):
                    formatter.write_dl(records)


class Command(_Localized, TyperCommand):
    """A command with localized help."""


class Group(_Localized, TyperGroup):
    """Commands with localized help; each is listed with the whole first sentence of its help."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["subcommand_metavar"] = localized("COMMAND [ARGS]...")
        super().__init__(*arguments, **options)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write options and commands."""
        super().format_options(ctx, formatter)
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
