"""Receipts in the terminal: `ask --receipt`, `verify --receipt`, and /keep and /export."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot.documents.receipt import write_receipt
from bot.locales import Texts, texts_for
from bot.settings import Settings
from bot.terminal.output import print_json
from bot.terminal.questions.verifying import searching
from bot.terminal.render import part_lines, print_lines
from bot.verdicts import Quoted, difference_line
from index.text.clean import printable
from retrieval.answer import Answer, Quotation
from retrieval.verifying.receipts.judging import Judged, Standing, judge_in
from retrieval.verifying.receipts.record import Record, read_receipt


@dataclass
class Collected:
    """The quotations that are taken along, each once, and the last answer with some."""

    records: dict[str, Record] = field(default_factory=dict)
    _answer: Answer | None = None

    def see(self, answer: Answer) -> None:
        """Remember an answer, from which quotations can be taken."""
        self._answer = answer if answer.quotes else self._answer

    def quotes(self, number: int | None = None) -> tuple[Quotation, ...]:
        """The quotations of the last answer, or the one that it shows with a number."""
        if self._answer is None or number is None:
            return self._answer.quotes if self._answer else ()
        first = len(self._answer.seen) + 1
        return tuple(q for n, q in enumerate(self._answer.quotes, first) if n == number)

    def add(self, quotes: Sequence[Quotation]) -> None:
        """Take quotations along."""
        records = (Record(quote, datetime.date.today()) for quote in quotes)
        self.records |= {record.key: record for record in records if record.key not in self.records}

    def write(self, file: Path, say: Texts) -> str:
        """Write them to a file, if there are any; what to say of it. Raises StorageError."""
        name = printable(str(file))
        if not self.records:
            return say("export.not_written", file=name)
        write_receipt(file, list(self.records.values()), say)
        return say("export.written", file=name, count=len(self.records))


def verify_receipt(settings: Settings, file: Path, as_json: bool) -> bool:
    """Print whether the quotations of a receipt still stand; whether all do.

    Raises ReceiptError or ClaimError.
    """
    say = texts_for(settings.language)
    records = read_receipt(file)
    with searching(settings, say, as_json) as index:
        judged = judge_in(index, records)
    stand = all(each.standing.stands for each in judged)
    if as_json:
        quotations = [each.as_json() for each in judged]
        print_json({"receipt": str(file), "all_stand": stand, "quotations": quotations})
    else:
        console = Console()
        console.print()
        print_lines(console, _lines(judged, say))
        console.print()
    return stand


def _lines(judged: Sequence[Judged], say: Texts) -> Iterator[tuple[int, str, Text]]:
    """How many stand; then each quotation, those first that do not."""
    standing = sum(each.standing.stands for each in judged)
    name = "export.all_stand" if standing == len(judged) else "export.some_stand"
    yield 2, "", Text(say(name, standing=standing, count=len(judged)), style="bold")
    for each in sorted(judged, key=lambda each: each.standing.stands):
        yield 0, "", Text()
        style = "dim" if each.standing.stands else "bold"
        yield 2, "", Text(say(f"export.standing_{each.standing}"), style=style)
        for part in _parts(each, say):
            yield from part_lines(part, say)


def _parts(judged: Judged, say: Texts) -> Iterator[str | Quoted]:
    taken = judged.record.quote
    yield Quoted(taken.text, None, (taken,), 0)
    yield from (difference_line(difference, say) for difference in judged.differences)
    if judged.standing is Standing.ALTERED and judged.now:
        yield Quoted(judged.now.text, None, (judged.now,), 0)
    if judged.elsewhere:
        yield say("export.found_elsewhere")
        yield Quoted(taken.text, None, judged.elsewhere, 0)
