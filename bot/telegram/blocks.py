"""What Telegram messages are made of: HTML within Telegram's limits.

Source: https://core.telegram.org/bots/api#formatting-options and #sendmessage. A message has
at most 4096 UTF-16 code units after its entities are parsed, and at most 100 entities.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from index.sentences import Span

LONGEST_MESSAGE = 4096  # UTF-16 code units
LONGEST_PIECE = 3400  # of one text in one message: room for what it is from
LONGEST_COPY = 256  # characters that a button copies
LONGEST_LABEL = 300  # UTF-16 code units of a source, a title or an address shown


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
