"""An answer on a terminal, or in a pipe."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from bot.locales import Texts
from retrieval.answer import Answer, Quotation
from retrieval.marks import matching_words

INDENT = 2
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def print_answer(console: Console, answer: Answer, say: Texts) -> None:
    """Print an answer: its quotations with their sources, or the refusal and what is near."""
    console.print()
    for line in _lines(answer, say):
        line.no_wrap = not console.is_terminal
        if console.is_terminal:
            line = _wrapped(line, console)
        console.print(line, soft_wrap=not console.is_terminal, highlight=False)
    console.print()


def printable(text: str) -> str:
    """The text without control characters, which could steer the terminal it is shown on."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def source_line(quote: Quotation, say: Texts) -> str:
    """Who published a quotation, under which title and when, as far as the article tells."""
    parts = [quote.source or say("answer.source_unknown"), quote.title]
    if quote.date:
        parts.append(quote.date)
    return " · ".join(parts)


def _lines(answer: Answer, say: Texts) -> Iterator[Text]:
    if answer.reason is not None:
        yield Text("  " + say(f"answer.refused_{answer.reason.value}"), style="bold")
        if answer.near:
            yield Text("  " + say("answer.near"))
    for number, quote in enumerate(answer.quotes or answer.near, 1):
        if number > 1:
            yield Text()
        yield _quoted(quote, answer.question)
        label = f"[{number}] " if answer.quotes else "    "
        yield Text(f"    {label}{printable(source_line(quote, say))}", style="dim")
        if quote.url:
            yield Text(f"        {printable(quote.url)}", style="dim")
        if quote.also:
            also = printable(", ".join(quote.also))
            yield Text(f"        {say('answer.also_in')} {also}", style="dim")


def _quoted(quote: Quotation, question: str) -> Text:
    shown = Text(printable(quote.text))
    for span in matching_words(question, quote.text):
        shown.stylize("bold", span.start, span.end)
    return Text.assemble(" " * INDENT, ("❝ ", "cyan"), shown, (" ❞", "cyan"))


def _wrapped(line: Text, console: Console) -> Text:
    """The line broken to the width of the console, what follows the first line set in."""
    if not line.plain.strip():
        return line
    indent = len(line.plain) - len(line.plain.lstrip()) + 2
    pieces = line.wrap(console, max(console.width - indent, 20))
    return Text("\n" + " " * indent).join(pieces)
