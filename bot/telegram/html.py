"""Answers as Telegram messages: HTML within Telegram's limits.

Source: https://core.telegram.org/bots/api#formatting-options and #sendmessage. A message has
at most 4096 UTF-16 code units after its entities are parsed, and at most 100 entities.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.locales import Texts
from bot.render import also_line, difference_lines, notes
from index.sentences import Span
from retrieval.answer import Answer, Quotation
from retrieval.marks import marked_words
from retrieval.verification import Verification

LONGEST_MESSAGE = 4096  # UTF-16 code units
LONGEST_PIECE = 3500  # of one quotation in one message: room for its source line
LONGEST_LABEL = 300  # UTF-16 code units of a source, a title or an address shown
MOST_MARKS = 20  # bold words in one piece of a quotation


@dataclass(frozen=True)
class Block:
    """A part of a message that is not broken: its HTML, and the text a reader sees of it."""

    markup: str
    plain: str


@dataclass(frozen=True)
class Message:
    """One message, formatted, and as the plain text that stands in if HTML is refused."""

    markup: str
    plain: str


def answer_messages(answer: Answer, say: Texts) -> list[Message]:
    """The messages that show an answer, in order; at least one."""
    return _packed(list(_blocks(answer, say)))


def verification_messages(told: Verification, say: Texts) -> list[Message]:
    """The messages that show how a sentence stands in the articles; at least one."""
    return _packed(list(_verdict(told, say)))


def text_message(text: str) -> Message:
    """A message of our own words."""
    return Message(_escape(text), _clean(text))


def utf16_length(text: str) -> int:
    """The length in UTF-16 code units, as Telegram counts."""
    return len(text) + sum(ord(c) > 0xFFFF for c in text)


def _blocks(answer: Answer, say: Texts) -> Iterator[Block]:
    if answer.reason is not None:
        yield _bold(say(f"answer.refused_{answer.reason.value}"))
        if answer.near:
            yield _words(say("answer.near"))
    if answer.answer:
        yield _bold(answer.answer)
    for number, quote in enumerate(answer.quotes or answer.near, 1):
        yield from _quotation(answer, quote)
        yield _source(quote, f"[{number}] " if answer.quotes else "", say)
    if noted := notes(answer, say):
        yield _words(_short(noted))


def _verdict(told: Verification, say: Texts) -> Iterator[Block]:
    yield _bold(say(f"verify.{told.verdict.value}"))
    for line in difference_lines(told, say):
        yield _words(_short(line))
    for number, quote in enumerate(told.quotes, 1):
        for piece in _pieces(quote.text):
            shown = quote.text[piece.start : piece.end]
            yield Block(f"<blockquote>{_escape(shown)}</blockquote>", f"❝ {_clean(shown)} ❞")
        yield _source(quote, f"[{number}] ", say)
    if told.elsewhere:
        yield _words(_short(say("verify.elsewhere", sources=", ".join(told.elsewhere))))


def _quotation(answer: Answer, quote: Quotation) -> Iterator[Block]:
    marks = marked_words(answer, quote)
    for piece in _pieces(quote.text):
        inside = [m for m in marks if piece.start <= m.start and m.end <= piece.end][:MOST_MARKS]
        marked = _marked(quote.text, piece, inside)
        plain = quote.text[piece.start : piece.end]
        yield Block(f"<blockquote>{marked}</blockquote>", f"❝ {_clean(plain)} ❞")


def _pieces(text: str) -> Iterator[Span]:
    """The text in spans that fit a message, cut at a space where there is one."""
    start = 0
    while start < len(text):
        end = _reach(text, start, LONGEST_PIECE)
        if end < len(text):
            space = text.rfind(" ", start + 1, end)
            end = space if space > 0 else end
        yield Span(start, end)
        start = end + (end < len(text) and text[end] == " ")


def _reach(text: str, start: int, units: int) -> int:
    """The furthest end such that the slice has at most so many UTF-16 code units."""
    end = min(len(text), start + units)
    while utf16_length(text[start:end]) > units:
        end -= (utf16_length(text[start:end]) - units + 1) // 2
    return end


def _marked(text: str, piece: Span, marks: Sequence[Span]) -> str:
    parts, at = [], piece.start
    for mark in marks:
        parts.append(_escape(text[at : mark.start]))
        parts.append(f"<b>{_escape(text[mark.start : mark.end])}</b>")
        at = mark.end
    parts.append(_escape(text[at : piece.end]))
    return "".join(parts)


def _source(quote: Quotation, label: str, say: Texts) -> Block:
    outlet = _short(quote.source or say("answer.source_unknown"))
    title, date = _short(quote.title), quote.date or ""
    plain = label + " · ".join(filter(None, (outlet, title, date)))
    linked = _escape(title)
    if quote.url and quote.url.startswith(("http://", "https://")):
        linked = f'<a href="{_escape(quote.url)}">{linked}</a>'
    markup = _escape(label) + " · ".join(filter(None, (_escape(outlet), linked, _escape(date))))
    if quote.also:
        also = _short(also_line(quote, say))
        markup, plain = f"{markup}\n{_escape(also)}", f"{plain}\n{also}"
    return Block(markup, _clean(plain))


def _packed(blocks: Sequence[Block]) -> list[Message]:
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


def _short(text: str) -> str:
    if utf16_length(text) <= LONGEST_LABEL:
        return text
    return text[: _reach(text, 0, LONGEST_LABEL - 1)] + "…"


def _bold(text: str) -> Block:
    return Block(f"<b>{_escape(text)}</b>", _clean(text))


def _words(text: str) -> Block:
    return Block(_escape(text), _clean(text))


def _escape(text: str) -> str:
    """For Telegram's HTML. What XML forbids in a text would be refused or dropped: shown as �."""
    return html.escape(_clean(text), quote=True).replace("&#x27;", "&#39;")


def _clean(text: str) -> str:
    return "".join("\N{REPLACEMENT CHARACTER}" if _forbidden(c) else c for c in text)


def _forbidden(character: str) -> bool:
    code = ord(character)
    return (
        (code < 0x20 and character not in "\t\n") or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000
    )
