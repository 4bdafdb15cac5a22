"""An answer on a terminal, or in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from bot.captions import (
    also_line,
    article_by_article,
    day_line,
    headline,
    near_label,
    notes,
    refusal,
    source_line,
    sources_first,
)
from bot.locales import Texts
from bot.verdicts import Quoted, verdict_line, verification_parts
from index.generations.current import CurrentIndex
from index.text.clean import literal, printable
from index.text.sentences import Span
from retrieval.answer import Answer, Quotation
from retrieval.answering.highlights import marked_words
from retrieval.verifying.outcome import Verification


def print_answer(console: Console, answer: Answer, say: Texts, claims: int = 0) -> None:
    """Print an answer, short or in prose, with its sources; or a refusal and what comes near.

    A terminal gets long lines wrapped with hanging indents, a pipe gets them unbroken. ``claims``:
    how many claims ``print_claims`` has printed already.
    """
    if not claims:
        console.print()
    print_claims(console, answer, claims)
    print_lines(console, _lines(answer, say))
    console.print()


def print_talk(console: Console, answer: Answer, index: CurrentIndex, say: Texts) -> None:
    """Print the reply to a message that asks nothing. Raises StorageError."""
    from bot.smalltalk import small_talk_reply

    reply = printable(small_talk_reply(answer, index, say))
    console.print(reply, markup=False, emoji=False, highlight=False)


def print_claims(console: Console, answer: Answer, printed: int = 0) -> int:
    """Print the claims of an answer after the first ``printed``; return how many there are."""
    print_lines(console, ((2, "", Text(printable(c.cited))) for c in answer.claims[printed:]))
    return len(answer.claims)


def print_verification(console: Console, verification: Verification, say: Texts) -> None:
    """Print whether and where a sentence is in the articles."""
    console.print()
    print_lines(console, _verification_lines(verification, say))
    console.print()


def print_help(console: Console, text: str) -> None:
    """Print a text with commands: what a command does stands beside it, also where it wraps."""
    for line in text.splitlines():
        _, gap, meaning = line.strip().partition("  ")
        label = line[: line.index(meaning.lstrip())] if gap else ""
        print_lines(console, [(0, label, Text(line.removeprefix(label)))])


def print_numbered(console: Console, text: str) -> None:
    """Print a text; a line that begins with a number wraps under the word after it."""
    for line in text.splitlines():
        number, _, words = line.partition(" ")
        entry = (0, f"{number:>4}  ", Text(words))
        print_lines(console, [entry if number.isdecimal() else (0, "", Text(line))])


def print_article(console: Console, text: str, heading: str = "") -> None:
    """Print the text of an article below a heading, to the letter in a pipe.

    A terminal gets it wrapped at words, and page by page (PAGER) where it is longer than the
    screen.
    """
    head = Text(f"{heading}\n" if heading else "", style="bold")
    content = head + Text(printable(text))
    if not console.is_terminal:
        console.print(head + Text(literal(text)), soft_wrap=True)
    elif len(content.wrap(console, console.width)) < console.height - 1:
        console.print(content)
    else:
        with console.pager():
            console.print(content)


def print_lines(console: Console, lines: Iterable[tuple[int, str, Text]]) -> None:
    """Print texts after an indent and a label; on a terminal they wrap under their beginning."""
    for indent, label, text in lines:
        margin = " " * indent + label
        if console.is_terminal and text.plain:
            width = max(console.width - len(margin), 20)
            text = Text("\n" + " " * len(margin)).join(text.wrap(console, width))
        console.print(Text(margin) + text, soft_wrap=True)


def part_lines(part: str | Quoted, say: Texts) -> Iterator[tuple[int, str, Text]]:
    """The lines of a part of what stands below a verdict."""
    if isinstance(part, str):
        yield 4, "", Text(printable(part))
        return
    spans = [part.highlight] if part.highlight else []
    yield 2, "❝ ", _with_bold(part.text, spans) + Text(" ❞", style="cyan")
    for label, quote in part.labels():
        yield from _source_lines(quote, label, say)


def _verification_lines(verification: Verification, say: Texts) -> Iterator[tuple[int, str, Text]]:
    yield 2, "", Text(printable(verdict_line(verification, say)), style="bold")
    for part in verification_parts(verification, say):
        yield from part_lines(part, say)


def _lines(answer: Answer, say: Texts) -> Iterator[tuple[int, str, Text]]:
    """Indent, label and text of each line."""
    if answer.reason is not None:
        for line in refusal(answer, say).splitlines():
            yield 2, "", Text(printable(line), style="bold")
        if answer.near:
            yield 2, "", Text(near_label(answer, say))
    head = headline(answer, say) or ("" if answer.claims else answer.answer)
    if head:
        yield 2, "", Text(printable(head), style="bold")
    if head or answer.claims:
        yield 0, "", Text()
    yield from _quote_lines(answer, say)
    if footer := notes(answer, say):
        yield 0, "", Text()
        yield 2, "", Text(printable(footer), style="dim")


def _quote_lines(answer: Answer, say: Texts) -> Iterator[tuple[int, str, Text]]:
    """Each quotation above its source; in lists below it."""
    for quote in answer.near:
        yield from _day_lines(quote, say)
        yield 2, "❝ ", _highlighted(answer, quote)
        yield from _source_lines(quote, "", say)
    for number, (label, quotes) in enumerate(article_by_article(answer)):
        if number:
            yield 0, "", Text()
        texts = [(2, "❝ ", _highlighted(answer, quote)) for quote in quotes]
        indent = 2 if sources_first(answer) else 4
        source = list(_source_lines(quotes[0], label, say, indent))
        yield from _day_lines(quotes[0], say)
        yield from [*source, *texts] if sources_first(answer) else [*texts, *source]


def _day_lines(quote: Quotation, say: Texts) -> Iterator[tuple[int, str, Text]]:
    """The day of what a quotation of a timeline tells."""
    if day := day_line(quote, say):
        yield 2, "", Text(printable(day), style="bold")


def _source_lines(
    quote: Quotation, label: str, say: Texts, indent: int = 4
) -> Iterator[tuple[int, str, Text]]:
    yield indent, label, Text(printable(source_line(quote, say)), style="dim")
    for line in filter(None, (quote.url, also_line(quote, say))):
        yield indent + len(label), "", Text(printable(line), style="dim")


def _highlighted(answer: Answer, quote: Quotation) -> Text:
    return _with_bold(quote.shown, marked_words(answer, quote)) + Text(" ❞", style="cyan")


def _with_bold(text: str, spans: Iterable[Span]) -> Text:
    """The text as it is printed, which may be shorter, with spans of it in bold."""
    shown, end = Text(), 0
    for span in spans:
        shown.append(printable(text[end : span.start]))
        shown.append(printable(text[span.start : span.end]), "bold")
        end = span.end
    return shown.append(printable(text[end:]))
