"""What Telegram messages are made of: HTML within Telegram's limits.

Source: https://core.telegram.org/bots/api#formatting-options and #sendmessage. A message has
at most 4096 UTF-16 code units after its entities are parsed, and at most 100 entities.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.captions import also_line, difference_lines, notes
from bot.locales import Texts
from index.articles.article import Article
from index.text.sentences import Span
from retrieval.answer import Answer, Quotation
from retrieval.answering.quotations import marked_words
from retrieval.answering.verification import Verification

LONGEST_MESSAGE = 4096  # UTF-16 code units
LONGEST_PIECE = 3400  # of one text in one message: room for what it is from
LONGEST_COPY = 256  # characters that a button copies
LONGEST_LABEL = 300  # UTF-16 code units of a source, a title or an address shown
LONGEST_OPEN = 500  # characters of a quotation that is shown unfolded
LONGEST_LINK = 2000  # characters
# What Telegram makes a link of; it drops the others without a word.
_HOST = r"[^\s.:/?#@\[\]\\]{1,63}"
_LINK = re.compile(rf"https?://{_HOST}(?:\.{_HOST})+(?::\d{{1,5}})?(?:[/?#]\S*)?")
MOST_MARKS = 20  # bold words in one piece of a quotation


def answer_messages(answer: Answer, say: Texts) -> list[Message]:
    """The messages that show an answer, in order; at least one."""
    return packed(list(_blocks(answer, say)))


def quotation_message(answer: Answer, quote: Quotation, say: Texts) -> Message | None:
    """One quotation with its source; None where it does not fit a message."""
    messages = packed([*_quotation(answer, quote), _source(quote, "", say)])
    return messages[0] if len(messages) == 1 else None


def verification_messages(told: Verification, say: Texts) -> list[Message]:
    """The messages that show how a sentence stands in the articles; at least one."""
    return packed(list(_verdict(told, say)))


def text_message(text: str) -> Message:
    """A message of our own words."""
    return Message(escaped(text), clean(text))


def article_block(article: Article | Quotation, label: str, say: Texts) -> Block:
    """Outlet, title, linked where its address is known, and date."""
    outlet = shortened(article.source or say("answer.source_unknown"))
    title, date = shortened(article.title), article.date or ""
    plain = label + " · ".join(filter(None, (outlet, title, date)))
    linked = escaped(title)
    if article.url and len(article.url) <= LONGEST_LINK and _LINK.fullmatch(article.url):
        linked = f'<a href="{escaped(article.url)}">{linked}</a>'
    markup = escaped(label) + " · ".join(filter(None, (escaped(outlet), linked, escaped(date))))
    return Block(markup, clean(plain))


def _blocks(answer: Answer, say: Texts) -> Iterator[Block]:
    if answer.reason is not None:
        yield Block.bold(say(f"answer.refused_{answer.reason.value}"))
        if answer.near:
            yield Block.words(say("answer.near"))
    if answer.claims:
        yield from (Block.words(claim.cited) for claim in answer.claims)
    elif answer.answer:
        yield Block.bold(answer.answer)
    for number, quote in enumerate(answer.quotes or answer.near, 1):
        yield from _quotation(answer, quote)
        yield _source(quote, f"[{number}] " if answer.quotes else "", say)
    if noted := notes(answer, say):
        yield Block.words(shortened(noted))


def _verdict(told: Verification, say: Texts) -> Iterator[Block]:
    yield Block.bold(say(f"verify.{told.verdict.value}"))
    for line in difference_lines(told, say):
        yield Block.words(shortened(line))
    for number, quote in enumerate(told.quotes, 1):
        for piece in pieces(quote.text):
            shown = quote.text[piece.start : piece.end]
            yield Block(f"<blockquote>{escaped(shown)}</blockquote>", f"❝ {clean(shown)} ❞")
        yield _source(quote, f"[{number}] ", say)
    if told.elsewhere:
        yield Block.words(shortened(say("verify.elsewhere", sources=", ".join(told.elsewhere))))


def _quotation(answer: Answer, quote: Quotation) -> Iterator[Block]:
    marks = marked_words(answer, quote)
    for piece in pieces(quote.text):
        inside = [m for m in marks if piece.start <= m.start and m.end <= piece.end][:MOST_MARKS]
        marked = _marked(quote.text, piece, inside)
        plain = quote.text[piece.start : piece.end]
        folded = " expandable" if len(plain) > LONGEST_OPEN else ""
        yield Block(f"<blockquote{folded}>{marked}</blockquote>", f"❝ {clean(plain)} ❞")


def _marked(text: str, piece: Span, marks: Sequence[Span]) -> str:
    parts, at = [], piece.start
    for mark in marks:
        parts.append(escaped(text[at : mark.start]))
        parts.append(f"<b>{escaped(text[mark.start : mark.end])}</b>")
        at = mark.end
    parts.append(escaped(text[at : piece.end]))
    return "".join(parts)


def _source(quote: Quotation, label: str, say: Texts) -> Block:
    block = article_block(quote, label, say)
    if not quote.also:
        return block
    also = Block.words(shortened(also_line(quote, say)))
    return Block(f"{block.markup}\n{also.markup}", f"{block.plain}\n{also.plain}")


@dataclass(frozen=True)
class Block:
    """A part of a message that is not broken: its HTML, and the text a reader sees of it."""

    markup: str
    plain: str

    @classmethod
    def words(cls, text: str) -> Block:
        """A text as it is."""
        return cls(escaped(text), clean(text))

    @classmethod
    def bold(cls, text: str) -> Block:
        """A text in bold."""
        return cls(f"<b>{escaped(text)}</b>", clean(text))


@dataclass(frozen=True)
class Button:
    """A button below a message.

    ``data``: what it tells the bot, at most 64 bytes; or ``copied``: what it copies, 1 to
    LONGEST_COPY characters.
    """

    label: str
    data: str = ""
    copied: str = ""


@dataclass(frozen=True)
class Message:
    """One message, formatted, and as the plain text that stands in if HTML is refused."""

    markup: str
    plain: str
    rows: tuple[tuple[Button, ...], ...] = ()

    @property
    def buttons(self) -> list[Button]:
        """Every button below it."""
        return [button for row in self.rows for button in row]

    def with_buttons(self, *rows: Sequence[Button]) -> Message:
        """The message with rows of buttons below it; those without any are left out."""
        return replace(self, rows=tuple(tuple(row) for row in rows if row))


def packed(blocks: Sequence[Block]) -> list[Message]:
    """The blocks in as few messages as hold them, in order."""
    messages: list[list[Block]] = []
    size = 0
    for block in blocks:
        length = utf16_length(block.plain) + 1
        if not messages or size + length > LONGEST_MESSAGE:
            messages.append([])
            size = 0
        messages[-1].append(block)
        size += length
    return [
        Message("\n".join(b.markup for b in some), "\n".join(b.plain for b in some))
        for some in messages
    ]


def pieces(text: str, longest: int = LONGEST_PIECE) -> Iterator[Span]:
    """The text in spans that fit a message, cut at a space where there is one."""
    start = 0
    while start < len(text):
        end = _reach(text, start, longest)
        if end < len(text):
            space = text.rfind(" ", start + 1, end)
            end = space if space > 0 else end
        yield Span(start, end)
        start = end + (end < len(text) and text[end] == " ")


def shortened(text: str) -> str:
    """The text, cut where it is too long for a label."""
    if utf16_length(text) <= LONGEST_LABEL:
        return text
    return text[: _reach(text, 0, LONGEST_LABEL - 1)] + "…"


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units, as Telegram counts."""
    return len(text) + sum(ord(c) > 0xFFFF for c in text)


def escaped(text: str) -> str:
    """For Telegram's HTML. What XML forbids in a text would be refused or dropped: shown as �."""
    return html.escape(clean(text), quote=True).replace("&#x27;", "&#39;")


def clean(text: str) -> str:
    """The text with � for what XML forbids."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _forbidden(c) else c for c in text)


def _reach(text: str, start: int, units: int) -> int:
    """The furthest end such that the slice has at most so many UTF-16 code units."""
    end = min(len(text), start + units)
    while utf16_length(text[start:end]) > units:
        end -= (utf16_length(text[start:end]) - units + 1) // 2
    return end


def _forbidden(character: str) -> bool:
    code = ord(character)
    return (
        (code < 0x20 and character not in "\t\n") or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000
    )
