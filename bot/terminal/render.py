"""An answer on a terminal, or in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from bot.captions import also_line, difference_lines, notes, source_line
from bot.locales import Texts
from bot.terminal.report import printable
from retrieval.answer import Answer, Quotation
from retrieval.answering.quotations import marked_words
from retrieval.answering.verification import Verification


def print_answer(console: Console, answer: Answer, say: Texts, claims: int = 0) -> None:
    """Print an answer: in short or in prose, quoted with sources; or a refusal and what is near.

    On a terminal long lines are broken under their own beginning; in a pipe they are not broken.
    ``claims``: how many of them are printed already, by ``print_claims``.
    """
    if not claims:
        console.print()
    print_claims(console, answer, claims)
    _print(console, _lines(answer, say))
    console.print()


def print_claims(console: Console, answer: Answer, printed: int = 0) -> int:
    """Print the claims of an answer but for the first so many, and tell how many there are."""
    _print(console, ((2, "", Text(printable(c.cited))) for c in answer.claims[printed:]))
    return len(answer.claims)


def _print(console: Console, lines: Iterable[tuple[int, str, Text]]) -> None:
    for indent, label, text in lines:
        margin = " " * indent + label
        if console.is_terminal and text.plain:
            width = max(console.width - len(margin), 20)
            text = Text("\n" + " " * len(margin)).join(text.wrap(console, width))
        console.print(Text(margin) + text, soft_wrap=True, highlight=False)


def print_verification(console: Console, told: Verification, say: Texts) -> None:
    """Print how a sentence stands in the articles, and where."""
    console.print()
    console.print(Text(f"  {say(f'verify.{told.verdict.value}')}", style="bold"), highlight=False)
    for line in difference_lines(told, say):
        console.print(Text(f"    {printable(line)}"), highlight=False)
    for number, quote in enumerate(told.quotes, 1):
        console.print(Text(f"  ❝ {printable(quote.text)} ❞"), soft_wrap=True, highlight=False)
        line = f"    [{number}] {printable(source_line(quote, say))}"
        console.print(Text(line, style="dim"), soft_wrap=True, highlight=False)
    if told.elsewhere:
        line = say("verify.elsewhere", sources=", ".join(told.elsewhere))
        console.print(Text(f"  {printable(line)}"), highlight=False)
    console.print()


def _lines(answer: Answer, say: Texts) -> Iterator[tuple[int, str, Text]]:
    """Indent, label and text of each line."""
    if answer.reason is not None:
        yield 2, "", Text(say(f"answer.refused_{answer.reason.value}"), style="bold")
        if answer.near:
            yield 2, "", Text(say("answer.near"))
    if answer.answer and not answer.claims:
        yield 2, "", Text(printable(answer.answer), style="bold")
    if answer.answer:
        yield 0, "", Text()
    for number, quote in enumerate(answer.quotes or answer.near, 1):
        if number > 1:
            yield 0, "", Text()
        yield 2, "❝ ", _quoted(answer, quote)
        label = f"[{number}] " if answer.quotes else ""
        yield 4, label, Text(printable(source_line(quote, say)), style="dim")
        if quote.url:
            yield 4 + len(label), "", Text(printable(quote.url), style="dim")
        if quote.also:
            also = also_line(quote, say)
            yield 4 + len(label), "", Text(printable(also), style="dim")
    if noted := notes(answer, say):
        yield 0, "", Text()
        yield 2, "", Text(printable(noted), style="dim")


def _quoted(answer: Answer, quote: Quotation) -> Text:
    shown = Text(printable(quote.text))
    for span in marked_words(answer, quote):
        shown.stylize("bold", span.start, span.end)
    return shown + Text(" ❞", style="cyan")
