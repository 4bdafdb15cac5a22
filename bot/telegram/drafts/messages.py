"""The messages that show a checked draft: a list, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bot.drafts.report import details, finding, heading, shown_quotation, summary, worst_first
from bot.listing import Reference
from bot.locales import Texts
from bot.telegram.buttons import page_buttons, whole_sentences
from bot.telegram.messages import (
    MAX_MESSAGE,
    Block,
    Button,
    Message,
    packed,
    part_blocks,
    shortened,
    utf16_length,
)
from bot.verdicts import Quoted
from index.generations.current import CurrentIndex
from retrieval.verifying.drafts.outcome import Checked, Review

_PAGE_SIZE = 8  # quotations
_IN_A_ROW = 4  # buttons
_ROOM = 600  # UTF-16 code units for the counts
_MAX_QUOTES = 2  # articles with the same words that are shown


def review_pages(index: CurrentIndex, review: Review, data: str, say: Texts) -> list[Message]:
    """The pages of a checked draft, the wrong quotations first; at least one.

    ``data``: what the buttons for pages send, with "{}" for the number of the page.
    """
    head = [Block.bold(line) for line in summary(review, say).splitlines()]
    numbered = list(enumerate(worst_first(review), 1))
    pages = list(_pages([(n, _blocks(n, checked, review, say)) for n, checked in numbered])) or [[]]
    messages = []
    for number, page in enumerate(pages):
        (message,) = packed([*head, *(block for _, blocks in page for block in blocks)])
        buttons = [
            Button(say("telegram.context_of", number=n), f"quote:{reference}")
            for n, _ in page
            if (reference := _reference(index, numbered[n - 1][1]))
        ]
        rows = [buttons[at : at + _IN_A_ROW] for at in range(0, len(buttons), _IN_A_ROW)]
        turning = page_buttons(data, number, len(pages), say)
        messages.append(message.with_buttons(*rows, turning))
    return messages


def _pages(entries: list[tuple[int, list[Block]]]) -> Iterator[list[tuple[int, list[Block]]]]:
    """The entries in groups that fit a message."""
    page: list[tuple[int, list[Block]]] = []
    size = 0
    for number, blocks in entries:
        length = _length(blocks)
        if page and (len(page) == _PAGE_SIZE or size + length > MAX_MESSAGE - _ROOM):
            yield page
            page, size = [], 0
        page.append((number, blocks))
        size += length
    if page:
        yield page


def _blocks(number: int, checked: Checked, review: Review, say: Texts) -> list[Block]:
    """A quotation in the list; what does not fit a message with the counts is left out."""
    blocks = [
        Block.bold(f"{number}. {heading(checked, review, say)}"),
        Block.words(shortened(finding(checked, say))),
    ]
    for part in details(checked, say):
        shown = (
            replace(part, quotes=part.quotes[:_MAX_QUOTES]) if isinstance(part, Quoted) else part
        )
        more = list(part_blocks(shown, say))
        if _length([*blocks, *more]) > MAX_MESSAGE - _ROOM:
            break
        blocks += more
    return blocks


def _length(blocks: list[Block]) -> int:
    return sum(utf16_length(block.plain) + 1 for block in blocks)


def _reference(index: CurrentIndex, checked: Checked) -> Reference | None:
    """Where the whole sentences of a quotation are, for a button that leads there."""
    quote = shown_quotation(checked)
    whole = whole_sentences(index, quote) if quote else None
    return Reference.of(whole) if whole else None
