"""`virgolette timeline`: all of a timeline, in the terminal, as Markdown or as JSON."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from bot.compose import composed
from bot.documents.timeline import timeline_markdown
from bot.locales import texts_for
from bot.settings import Settings
from bot.terminal.output import print_json
from bot.terminal.progress import spinner
from bot.terminal.render import print_answer
from index.errors import StorageError
from retrieval.answer import Intent, Question
from retrieval.writing.options import AnswerOptions


def show_timeline(settings: Settings, subject: str, file: Path | None, as_json: bool) -> bool:
    """Print the timeline on a subject, or write it to a file; whether there is one.

    A refusal is printed. Raises VirgoletteError.
    """
    question = replace(Question.parse(subject, intent=Intent.TIMELINE), whole=True)
    say = texts_for(settings.language, question)
    with spinner(hidden=as_json) as spin:
        spin.update(say("answer.loading"))
        with composed(settings) as parts:
            spin.update(say("answer.searching"))
            answer = parts.chain.invoke(question, options=AnswerOptions(written=False))
    if as_json:
        print_json(answer.as_json())
    elif file is None or answer.refused:
        print_answer(Console(), answer, say)
    else:
        _write(file, timeline_markdown(answer, say, datetime.date.today()))
    return not answer.refused


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{file} cannot be written: {error.strerror or error}") from error
