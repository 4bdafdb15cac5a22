"""The commands that ask the articles: for an answer, for a timeline, whether they have a sentence.

Each imports what it needs, so that all commands start fast.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.terminal.progress import spinner
from bot.terminal.setup import FAILED, OutcomeAsJson, command_settings


def ask(
    question: Annotated[
        list[str], typer.Argument(help="The question; - reads questions from stdin, one per line.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    receipt: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write the quotations to a file: .json or .md."),
    ] = None,
) -> None:
    """Answer a question. Exits with 1 if there is no index to answer from."""
    text = " ".join(question)
    if receipt and not receipt.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {receipt.parent}")
    with spinner(hidden=as_json or text == "-") as spin:
        from bot.compose import composed
        from bot.locales import texts_for
        from bot.terminal.questions.answering import Answerer

        settings = command_settings()
        spin.update(texts_for(settings.language)("answer.loading"))
        with composed(settings) as parts:
            answerer = Answerer(settings, parts, spin, as_json)
            if text == "-":
                answerer.answer_input()
            elif not answerer.answer(text):
                raise typer.Exit(FAILED)
            if receipt:
                answerer.write_receipt(receipt)


def timeline(
    subject: Annotated[list[str], typer.Argument(help="A person, a place or a story.")],
    markdown: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it to a Markdown file with footnotes."),
    ] = None,
    as_json: OutcomeAsJson = False,
) -> None:
    """Put the events that the articles tell in the order of their days. Exits with 1 if under two.

    An event is a sentence, quoted to the letter. If it does not tell the day, the day of
    publication counts and is marked.
    """
    from bot.terminal.questions.timeline import show_timeline

    if markdown and as_json:
        raise typer.BadParameter("give --markdown or --json, not both")
    if not show_timeline(command_settings(), " ".join(subject), markdown, as_json):
        raise typer.Exit(FAILED)


def verify(
    sentence: Annotated[
        str, typer.Argument(help="The sentence, in quotation marks or without.")
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            metavar="FILE",
            help="Check all quotations of a draft (- for stdin). Exits with 1 if one is wrong.",
        ),
    ] = None,
    receipt: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Tell whether the quotations of ask --receipt or /export still stand. "
            "Exits with 1 if one does not.",
        ),
    ] = None,
    as_json: OutcomeAsJson = False,
) -> None:
    """Tell whether a sentence, or all that a draft quotes, is in the articles, to the letter."""
    from bot.terminal.documents.receipts import verify_receipt
    from bot.terminal.questions.verifying import verify_draft, verify_sentence

    if [bool(sentence), file is not None, receipt is not None].count(True) != 1:
        raise typer.BadParameter("give a sentence, --file FILE or --receipt FILE")
    settings = command_settings()
    is_sound = True
    if file is not None:
        is_sound = verify_draft(settings, file, as_json)
    elif receipt is not None:
        is_sound = verify_receipt(settings, receipt, as_json)
    else:
        verify_sentence(settings, sentence, as_json)
    if not is_sound:
        raise typer.Exit(FAILED)
