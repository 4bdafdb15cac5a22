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
    Quoted,
    also_line,
    article_by_article,
    headline,
    is_summary,
    notes,
    refusal,
    verdict_line,
    verification_parts,
)
from bot.locales import Texts
from index.articles.article import Article
from index.text.clean import printable
from index.text.sentences import Span
from retrieval.answer import Answer, Quotation
from retrieval.answering.quotations import marked_words
from retrieval.verifying.outcome import Verification

MAX_MESSAGE = 4096  # UTF-16 code units
MAX_COPY = 256  # characters that a button copies
_MAX_PIECE = 3400  # UTF-16 code units of one text in a message: its source needs room too
_MAX_LABEL = 300  # UTF-16 code units of a source, a title or an address
_MAX_UNFOLDED = 500  # characters of a quotation
_MAX_LINK = 2000  # characters
_MAX_HIGHLIGHTS = 20  # in one piece of a quotation
# Telegram makes links of these addresses only, and drops the others silently.
_HOST = r"[^\s.:/?#@\[\]\\]{1,63}"
_LINK = re.compile(rf"https?://{_HOST}(?:\.{_HOST})+(?::\d{{1,5}})?(?:[/?#]\S*)?")
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # in XML


def answer_messages(answer: Answer, say: Texts) -> list[Message]:
    """The messages that show an answer, in order; at least one."""
    return packed(list(_answer_blocks(answer, say)))


def draft_text(draft: Answer, say: Texts) -> str:
    """The last claims so far that fit a message, and a note that more may come."""
    lines = [*(printable(claim.cited) for claim in draft.claims), say("answer.writing")]
    while len(lines) > 1 and utf16_length("\n".join(lines)) > MAX_MESSAGE:
        lines.pop(0)
    return "\n".join(lines)


def quotation_message(answer: Answer, quote: Quotation, say: Texts) -> Message | None:
    """One quotation with its source; None where it does not fit a message."""
    messages = packed([*_quotation_blocks(answer, quote), _source_block(quote, "", say)])
    return messages[0] if len(messages) == 1 else None


def verification_messages(verification: Verification, say: Texts) -> list[Message]:
    """The messages that show whether a sentence is in the articles; at least one."""
    return packed(list(_verification_blocks(verification, say)))


def text_message(text: str) -> Message:
    """A message with a plain text."""
    return Message(escaped(text), printable(text))


def article_block(article: Article | Quotation, label: str, say: Texts) -> Block:
    """Outlet, title, linked where its address is known, and date."""
    outlet = shortened(article.source or say("answer.source_unknown"))
    title, date = shortened(article.title), article.date or ""
    plain = label + " · ".join(filter(None, (outlet, title, date)))
    linked = escaped(title)
    if article.url and len(article.url) <= _MAX_LINK and _LINK.fullmatch(article.url):
        linked = f'<a href="{escaped(article.url)}">{linked}</a>'
    markup = escaped(label) + " · ".join(filter(None, (escaped(outlet), linked, escaped(date))))
    return Block(markup, printable(plain))


def highlighted(text: str, piece: Span, highlights: Iterable[Span]) -> str:
    """The HTML of a piece of a text, with the highlights in it, in order, in bold."""
    markup, end = "", piece.start
    for highlight in highlights:
        markup += escaped(text[end : highlight.start])
        markup += f"<b>{escaped(text[highlight.start : highlight.end])}</b>"
        end = highlight.end
    return markup + escaped(text[end : piece.end])


def _answer_blocks(answer: Answer, say: Texts) -> Iterator[Block]:
    if answer.reason is not None:
        yield Block.bold(shortened(refusal(answer, say)))
        if answer.near:
            yield Block.words(say("answer.near"))
    if answer.claims:
        yield from (Block.words(claim.cited) for claim in answer.claims)
    elif head := headline(answer, say) or answer.answer:
        yield Block.bold(head)
    yield from _quotes_blocks(answer, say)
    if line := notes(answer, say):
        yield Block.words(shortened(line))


def _quotes_blocks(answer: Answer, say: Texts) -> Iterator[Block]:
    """Each quotation above its source; those of a summary below the article's title."""
    for quote in answer.near:
        yield from _quotation_blocks(answer, quote)
        yield _source_block(quote, "", say)
    for label, quotes in article_by_article(answer):
        source = _source_block(quotes[0], label, say)
        texts = [block for quote in quotes for block in _quotation_blocks(answer, quote)]
        yield from [source, *texts] if is_summary(answer) else [*texts, source]


def _verification_blocks(verification: Verification, say: Texts) -> Iterator[Block]:
    yield Block.bold(shortened(verdict_line(verification, say)))
    for part in verification_parts(verification, say):
        if isinstance(part, str):
            yield Block.words(shortened(part))
            continue
        for piece in pieces(part.text):
            yield _piece_block(part, piece)
        yield from (_source_block(quote, label, say) for label, quote in part.labels())


def _piece_block(part: Quoted, piece: Span) -> Block:
    """A piece of a quotation; the highlight in bold as far as it is in the piece."""
    inside = []
    if mark := part.highlight:
        inside = [Span(max(mark.start, piece.start), min(mark.end, piece.end))]
    markup = highlighted(part.text, piece, [span for span in inside if span.start < span.end])
    text = part.text[piece.start : piece.end]
    return Block.quotation(markup, text, folded=len(text) > _MAX_UNFOLDED)


def _quotation_blocks(answer: Answer, quote: Quotation) -> Iterator[Block]:
    words = marked_words(answer, quote)
    for piece in pieces(quote.text):
        inside = [word for word in words if piece.start <= word.start and word.end <= piece.end]
        markup = highlighted(quote.text, piece, inside[:_MAX_HIGHLIGHTS])
        text = quote.text[piece.start : piece.end]
        yield Block.quotation(markup, text, folded=len(text) > _MAX_UNFOLDED)


def _source_block(quote: Quotation, label: str, say: Texts) -> Block:
    block = article_block(quote, label, say)
    if not quote.also:
        return block
    also = Block.words(shortened(also_line(quote, say)))
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
    characters.
    """

    label: str
    data: str = ""
    copied: str = ""


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
    """The text in spans that fit a message, cut at a space where there is one."""
    start = 0
    while start < len(text):
        end = _reach(text, start, _MAX_PIECE)
        if end < len(text):
            space = text.rfind(" ", start + 1, end)
            end = space if space > 0 else end
        yield Span(start, end)
        start = end + (end < len(text) and text[end] == " ")


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
