"""Addresses that open a web page at the very words of a quotation.

Source: https://wicg.github.io/scroll-to-text-fragment/. A browser goes to the first run of whole
words that matches, within one block of text and without regard to case and accents.
"""

from __future__ import annotations

from urllib.parse import quote

from index.text.sentences import Span
from index.text.words import plain

_MIN_WORDS = 4  # at either end: a web page holds more than the article
_MAX_WORDS = 10  # of a quotation that is named whole; of a longer one, its two ends are


def sentence_address(url: str, text: str, span: Span) -> str:
    """The address with ``#:~:text=first words,last words`` of a span of the page's stored text.

    The address as it is, if it is not of the web or the words are not unique in the text.
    """
    if not url.startswith(("http://", "https://")) or ":~:" in url or _cuts_a_word(text, span):
        return url
    lines = [line.split() for line in text[span.start : span.end].splitlines() if line.strip()]
    runs = _unique_ends(lines, _folded(text)) if lines else []
    words = ",".join(_encoded(" ".join(run)) for run in runs)
    return f"{url}{'' if '#' in url else '#'}:~:text={words}" if words else url


def _unique_ends(lines: list[list[str]], page: str) -> list[list[str]]:
    """The first and the last words, or all words of a short line; empty if not unique."""
    first, last = lines[0], lines[-1]
    if len(lines) > 1 or len(first) > _MAX_WORDS:
        start = _shortest([first[:n] for n in range(_MIN_WORDS, len(first) + 1)], page)
        end = _shortest([last[-n:] for n in range(_MIN_WORDS, len(last) + 1)], page)
        if not start or not end:
            return []
        if len(lines) > 1 or len(start) + len(end) <= len(first):
            return [start, end]
    return [first] if _is_unique(first, page) else []


def _shortest(runs: list[list[str]], page: str) -> list[str] | None:
    return next((run for run in runs if _is_unique(run, page)), None)


def _is_unique(run: list[str], page: str) -> bool:
    words = _folded(" ".join(run))
    first = page.find(words) if words else -1
    return first >= 0 and page.find(words, first + 1) < 0


def _folded(text: str) -> str:
    """The text as browsers compare it: without case, accents, and differences of white space."""
    return " ".join(plain(text).split())


def _cuts_a_word(text: str, span: Span) -> bool:
    edges = (text[span.start - 1 : span.start + 1], text[span.end - 1 : span.end + 1])
    return any(len(edge) == 2 and edge.isalnum() for edge in edges)


def _encoded(words: str) -> str:
    """Percent-encoded, with the dash, which separates the parts of a directive."""
    return quote(words, safe="", errors="replace").replace("-", "%2D")
