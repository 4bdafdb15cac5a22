"""Quotations in Markdown, with where each one stands in a footnote."""

from __future__ import annotations

from bot.locales import Texts
from index.text.clean import literal
from retrieval.answer import Carrier, Quotation

_SPECIAL = frozenset("\\`*_[]<>&~|$")  # in Markdown, wherever they stand
_FIRST = frozenset("#+-=:")  # at the beginning of a line

_BLANKS = str.maketrans("\t\r\n", "   ")  # others may not break, and stay


def markdown(text: str) -> str:
    """The text for Markdown, which shows it to the letter; line ends become blanks."""
    line = " ".join(filter(None, literal(text).translate(_BLANKS).split(" ")))
    escaped = "".join(f"\\{c}" if c in _SPECIAL else c for c in line)
    number = line[: len(line) - len(line.lstrip("0123456789"))]
    if number and line[len(number) :][:1] in (".", ")"):
        return f"{number}\\{escaped[len(number) :]}"
    return f"\\{escaped}" if line[:1] in _FIRST else escaped


def footnote(quote: Quotation, number: int, say: Texts) -> str:
    """Outlet, title, day, address, offsets and hash of a quotation, as the footnote of a number."""
    parts = [
        markdown(quote.source or say("answer.source_unknown")),
        f"“{markdown(quote.title)}”",
        markdown(quote.date or say("answer.no_day")),
        f"<{_address(quote)}>" if _address(quote) else "",
        f"`{quote.article.replace('`', '')}` {quote.start}–{quote.end}",
        f"sha256 `{quote.sha256}`",
    ]
    return f"[^{number}]: {', '.join(filter(None, parts))}"


def outlets(carriers: tuple[Carrier, ...]) -> str:
    """The outlets of articles, in Markdown; a title where the outlet is unknown."""
    return ", ".join(dict.fromkeys(markdown(one.source or one.title) for one in carriers))


def _address(quote: Quotation) -> str:
    """The address of a quotation, as Markdown takes it in angle brackets."""
    address = quote.link or quote.url or ""
    return "" if any(c in "<>" or c.isspace() for c in address) else address
