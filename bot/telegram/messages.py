"""Builds messages: HTML within Telegram's limits.

Source: https://core.telegram.org/bots/api#formatting-options and #sendmessage. A message has
at most 4096 UTF-16 code units after its entities are parsed, and at most 100 entities.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bot.captions import (
    also_line,
    article_by_article,
    day_line,
    headline,
    near_label,
    notes,
    refusal,
    short_title,
    sources_first,
)
from bot.locales import Texts
from bot.verdicts import Quoted, verdict_line, verification_parts
from index.articles.article import Article
from index.text.clean import printable
from index.text.sentences import Span
from retrieval.answer import Answer, Quotation
from retrieval.answering.highlights import marked_words
from retrieval.verifying.outcome import Verification

MAX_MESSAGE = 4096  # UTF-16 code units
MAX_COPY = 256  # characters that a button copies
_MAX_PIECE = 3400  # UTF-16 code units of one text in a message: its source needs room too
_MAX_LABEL = 300  # UTF-16 code units of a source, a title or an address
_MAX_OPEN = 350  # characters of a quotation that is not folded
_GLANCE = 150  # of one of many, or of one that does not answer: what three lines hold
_LONG_ANSWER = 450  # characters of its quotations and claims
_MAX_LINK = 2000  # characters
_MAX_HIGHLIGHTS = 20  # in one piece of a quotation
# Telegram makes links of these addresses only, and drops the others silently.
_HOST = r"[^\s.:/?#@\[\]\\]{1,63}"
_LINK = re.compile(rf"https?://{_HOST}(?:\.{_HOST})+(?::\d{{1,5}})?(?:[/?#]\S*)?")


def answer_messages(answer: Answer, say: Texts) -> list[Message]:
    """The messages that show an answer, in order; at least one."""
    return packed(list(answer_blocks(answer, say)))


def draft_text(draft: Answer, say: Texts) -> str:
    """The last claims so far that fit a message, and a note that more may come."""
    lines = [*(printable(claim.cited) for claim in draft.claims), say("answer.writing")]
    while len(lines) > 1 and utf16_length("\n".join(lines)) > MAX_MESSAGE:
        lines.pop(0)
    return "\n".join(lines)


def quotation_message(quote: Quotation, words: Sequence[Span], say: Texts) -> Message | None:
    """One quotation, with words in bold, and its source; None where it does not fit a message."""
    messages = packed([*_text_blocks(quote.shown, words, _MAX_OPEN), _source_block(quote, "", say)])
    return messages[0] if len(messages) == 1 else None


def verification_messages(verification: Verification, say: Texts) -> list[Message]:
    """The messages that show whether a sentence is in the articles; at least one."""
    return packed(list(_verification_blocks(verification, say)))


def text_message(text: str) -> Message:
    """A message with a plain text."""
    return Message(escaped(text), printable(text))


def article_block(article: Article | Quotation, label: str = "", *, whole: bool = False) -> Block:
    """Outlet, title, linked where its address is known, and date. ``whole``: with all the title."""
    outlet = shortened(article.source or "")
    title, date = shortened(article.title if whole else short_title(article)), article.date or ""
    plain = label + " · ".join(filter(None, (outlet, title, date)))
    linked = escaped(title)
    if address := link_of(article):
        linked = f'<a href="{escaped(address)}">{linked}</a>'
    markup = escaped(label) + " · ".join(filter(None, (escaped(outlet), linked, escaped(date))))
    return Block(markup, printable(plain))


def part_blocks(part: str | Quoted, say: Texts) -> Iterator[Block]:
    """A part of what stands below a verdict."""
    if isinstance(part, str):
        yield Block.words(shortened(part))
        return
    highlights = [part.highlight] if part.highlight else []
    yield from _text_blocks(part.text, highlights, _MAX_OPEN)
    yield from (_source_block(quote, label, say) for label, quote in part.labels())


def link_of(article: Article | Quotation) -> str:
    """The address that Telegram makes a link of; "" where there is none."""
    address = (isinstance(article, Quotation) and article.link) or article.url
    fits = address and len(address) <= _MAX_LINK and _LINK.fullmatch(address)
    return address if address and fits else ""


def highlighted(text: str, piece: Span, highlights: Iterable[Span]) -> str:
    """The HTML of a piece of a text, with the highlights in it, in order, in bold."""
    markup, end = "", piece.start
    for highlight in highlights:
        markup += escaped(text[end : highlight.start])
        markup += f"<b>{escaped(text[highlight.start : highlight.end])}</b>"
        end = highlight.end
    return markup + escaped(text[end : piece.end])


def answer_blocks(answer: Answer, say: Texts) -> Iterator[Block]:
    """The parts of the messages that show an answer."""
    if answer.reason is not None:
        yield Block.bold(shortened(refusal(answer, say)))
        if answer.near:
            yield Block.words(near_label(answer, say))
    if answer.claims:
        yield from (Block.words(claim.cited) for claim in answer.claims)
    elif head := headline(answer, say) or answer.answer:
        yield Block.bold(head)
    yield from _quotes_blocks(answer, say)
    if line := notes(answer, say):
        yield Block.words(shortened(line))


def _quotes_blocks(answer: Answer, say: Texts) -> Iterator[Block]:
    """Each quotation above its source; in lists below it."""
    for quote in answer.near:
        yield from _day_blocks(quote, say)
        yield from _text_blocks(quote.shown, marked_words(answer, quote), _GLANCE)
        yield _source_block(quote, "", say)
    for label, quotes in article_by_article(answer):
        source = _source_block(quotes[0], label, say)
        texts = [
            block
            for quote in quotes
            for block in _text_blocks(
                quote.shown, marked_words(answer, quote), _open_length(answer, quote)
            )
        ]
        yield from _day_blocks(quotes[0], say)
        yield from [source, *texts] if sources_first(answer) else [*texts, source]


def _day_blocks(quote: Quotation, say: Texts) -> Iterator[Block]:
    """The day of what a quotation of a timeline tells."""
    if day := day_line(quote, say):
        yield Block.bold(day)


def _open_length(answer: Answer, quote: Quotation) -> int:
    """The characters up to which a quotation is not folded: few for the further ones of many."""
    words = [claim.text for claim in answer.claims] + [quote.shown for quote in answer.quotes]
    is_first = quote is answer.quotes[0] and not sources_first(answer)
    return _MAX_OPEN if is_first or sum(map(len, words)) <= _LONG_ANSWER else _GLANCE


def _verification_blocks(verification: Verification, say: Texts) -> Iterator[Block]:
    yield Block.bold(shortened(verdict_line(verification, say)))
    for part in verification_parts(verification, say):
        yield from part_blocks(part, say)


def _text_blocks(whole: str, highlights: Sequence[Span], most_open: int) -> Iterator[Block]:
    """A text as block quotations; a highlight is in bold as far as it is in each of them."""
    for piece in pieces(whole):
        inside = [
            Span(max(span.start, piece.start), min(span.end, piece.end))
            for span in highlights
            if span.start < piece.end and piece.start < span.end
        ]
        markup = highlighted(whole, piece, inside[:_MAX_HIGHLIGHTS])
        text = whole[piece.start : piece.end]
        yield Block.quotation(markup, text, folded=len(text) > most_open)


def _source_block(quote: Quotation, label: str, say: Texts) -> Block:
    block = article_block(quote, label)
    line = also_line(quote, say)
    if not line:
        return block
    also = Block.words(shortened(line))
    return Block(f"{block.markup}\n{also.markup}", f"{block.plain}\n{also.plain}")


@dataclass(frozen=True)
class Block:
    """A part of a message that is not split: its HTML, and the text that a reader sees."""

    markup: str
    plain: str

    @classmethod
    def words(cls, text: str) -> Block:
        """A text as it is."""
        return cls(escaped(text), printable(text))

    @classmethod
    def bold(cls, text: str) -> Block:
        """A text in bold."""
        return cls(f"<b>{escaped(text)}</b>", printable(text))

    @classmethod
    def quotation(cls, markup: str, text: str, *, folded: bool = False) -> Block:
        """A text, with the HTML of its inside, as a block quotation."""
        kind = " expandable" if folded else ""
        return cls(f"<blockquote{kind}>{markup}</blockquote>", f"❝ {printable(text)} ❞")


@dataclass(frozen=True)
class Button:
    """A button below a message.

    It sends ``data`` to the bot, at most 64 bytes, or copies ``copied``, 1 to MAX_COPY
    characters, or lets the user choose a chat and asks there the inline query ``shared``.
    """

    label: str
    data: str = ""
    copied: str = ""
    shared: str = ""


@dataclass(frozen=True)
class Message:
    """One message: its HTML, and the plain text for when Telegram refuses that."""

    markup: str
    plain: str
    rows: tuple[tuple[Button, ...], ...] = ()

    @property
    def buttons(self) -> list[Button]:
        """The buttons below it, row by row."""
        return [button for row in self.rows for button in row]

    def with_buttons(self, *rows: Sequence[Button]) -> Message:
        """The message with rows of buttons below it; empty rows are left out."""
        return replace(self, rows=tuple(tuple(row) for row in rows if row))


def packed(blocks: Sequence[Block]) -> list[Message]:
    """The blocks in as few messages as hold them, in order."""
    groups: list[list[Block]] = []
    size = 0
    for block in blocks:
        length = utf16_length(block.plain) + 1
        if not groups or size + length > MAX_MESSAGE:
            groups.append([])
            size = 0
        groups[-1].append(block)
        size += length
    return [
        Message("\n".join(b.markup for b in group), "\n".join(b.plain for b in group))
        for group in groups
    ]


def pieces(text: str) -> Iterator[Span]:
    """The text in spans that fit a message, cut between paragraphs or words where possible."""
    start = 0
    while start < len(text):
        end = _reach(text, start, _MAX_PIECE)
        if end < len(text):
            cuts = (text.rfind(gap, (start + end) // 2, end) for gap in "\n ")
            end = next((cut for cut in cuts if cut > start), end)
        yield Span(start, end)
        start = end + (end < len(text) and text[end] in "\n ")


def shortened(text: str) -> str:
    """The text, cut where it is too long for a label."""
    if utf16_length(text) <= _MAX_LABEL:
        return text
    return text[: _reach(text, 0, _MAX_LABEL - 1)] + "…"


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units, as Telegram counts."""
    return len(text) + sum(ord(c) > 0xFFFF for c in text)


def escaped(text: str) -> str:
    """The text for Telegram's HTML, which refuses or drops what XML forbids: shown as �."""
    return html.escape(printable(text), quote=True).replace("&#x27;", "&#39;")


def _reach(text: str, start: int, units: int) -> int:
    """The furthest end such that the slice has at most this many UTF-16 code units."""
    end = min(len(text), start + units)
    while utf16_length(text[start:end]) > units:
        end -= (utf16_length(text[start:end]) - units + 1) // 2
    return end
