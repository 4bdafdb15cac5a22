"""`virgolette verify`, and /verifica FILE in the REPL."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot.compose import chroma_server
from bot.drafts.report import details, finding, heading, summary, worst_first
from bot.locales import Texts, texts_for
from bot.settings import Settings
from bot.terminal.output import print_json
from bot.terminal.progress import spinner
from bot.terminal.render import part_lines, print_lines, print_verification
from index.generations.current import CurrentIndex
from index.text.clean import printable
from retrieval.verifying.drafts.outcome import Review
from retrieval.verifying.drafts.reading import MAX_FILE, Draft, read_draft, read_draft_file
from retrieval.verifying.drafts.review import review_in
from retrieval.verifying.verification import verify_in

STDIN = Path("-")


def verify_sentence(settings: Settings, sentence: str, as_json: bool) -> None:
    """Print whether a sentence is in the articles. Raises ClaimError."""
    say = texts_for(settings.language)
    with searching(settings, say, as_json) as index:
        outcome = verify_in(index, sentence)
    if as_json:
        print_json(outcome.as_json())
    else:
        print_verification(Console(), outcome, say)


def verify_draft(settings: Settings, file: Path, as_json: bool) -> bool:
    """Print whether what a draft quotes is in the articles; whether it is. Raises ClaimError."""
    say = texts_for(settings.language)
    with searching(settings, say, as_json) as index:
        review = review_file(index, file)
    if as_json:
        print_json(review.as_json())
    else:
        print_review(Console(), review, say)
    return review.sound


@contextmanager
def searching(settings: Settings, say: Texts, as_json: bool) -> Iterator[CurrentIndex]:
    """The index, and a spinner that says that it is searched."""
    with (
        spinner(hidden=as_json) as spin,
        closing(CurrentIndex(settings.data_dir, chroma_server(settings))) as index,
    ):
        spin.update(say("answer.searching"))
        yield index


def review_file(index: CurrentIndex, file: Path) -> Review:
    """Check the draft in a file, or on standard input. Raises ClaimError."""
    return review_in(index, _stdin() if file == STDIN else read_draft_file(file))


def named_file(text: str) -> Path | None:
    """The file that somebody names, in quotation marks or without; None if there is none."""
    name = text.strip().strip("\"'")
    try:
        file = Path(name).expanduser()
        return file if name and file.is_file() else None
    except (OSError, ValueError, RuntimeError):  # a sentence is longer than names may be
        return None


def print_review(console: Console, review: Review, say: Texts) -> None:
    """Print the counts and each quotation, the wrong ones first."""
    console.print()
    print_lines(console, _lines(review, say))
    console.print()


def _stdin() -> Draft:
    return read_draft(sys.stdin.buffer.read(MAX_FILE + 1) if sys.stdin else b"", "stdin.txt")


def _lines(review: Review, say: Texts) -> Iterator[tuple[int, str, Text]]:
    for line in summary(review, say).splitlines():
        yield 2, "", Text(line, style="bold")
    for checked in worst_first(review):
        yield 0, "", Text()
        yield 2, "", Text(printable(heading(checked, review, say)))
        yield 4, "", Text(printable(finding(checked, say)), "bold" if checked.is_wrong else "dim")
        for part in details(checked, say):
            yield from part_lines(part, say)
