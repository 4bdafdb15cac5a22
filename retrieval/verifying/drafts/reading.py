"""Reads the file of a draft: all of its text, as its author counts lines or paragraphs."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from index.articles.document import Document
from index.articles.encodings import decode
from index.articles.formats import Loader, read_document
from index.articles.markdown import blanked
from index.articles.office.markup import markup_text
from index.articles.pages import declared_encoding
from index.articles.text_files import read_text_file
from index.errors import ArticleError
from index.text.clean import with_line_ends
from retrieval.verifying.outcome import ClaimError

MAX_FILE = 20_000_000  # bytes: what Telegram hands to a bot
_MARKDOWN = frozenset((".md", ".markdown"))
_TEXT = frozenset((".txt", ".text")) | _MARKDOWN


@dataclass(frozen=True)
class Draft:
    """The text of a draft. ``lines_above``: those before it in its file; None if that has none."""

    text: str
    lines_above: int | None = None

    def position(self, offset: int) -> int:
        """The line of an offset, from 1, or its paragraph where the file has no lines."""
        starts = self._paragraphs if self.lines_above is None else self._lines
        return bisect_right(starts, offset) + (self.lines_above or 0)

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(at + 1 for at, character in enumerate(self.text) if character == "\n")]

    @cached_property
    def _paragraphs(self) -> list[int]:
        ends = [*self._lines[1:], len(self.text) + 1]
        pairs = zip(self._lines, ends, strict=True)
        return [start for start, end in pairs if self.text[start:end].strip()]


def read_draft(data: bytes, name: str) -> Draft:
    """The draft in the bytes of a file. Raises ClaimError: it is too large, or cannot be read."""
    if len(data) > MAX_FILE:
        raise too_large(name)
    try:
        text = read_document(data, name, _loaders()).text
    except ArticleError as error:
        raise ClaimError("unreadable", f"{name} is not checked: {error}") from error
    if Path(name).suffix.lower() not in _TEXT:
        return Draft(text)
    whole = with_line_ends(decode(data).text)
    above = whole[: len(whole) - len(text)].count("\n") if whole.endswith(text) else 0
    return Draft(blanked(text) if Path(name).suffix.lower() in _MARKDOWN else text, above)


def read_draft_file(file: Path) -> Draft:
    """The draft in a file. Raises ClaimError."""
    try:
        if not file.is_file():
            raise ClaimError("unreadable", f"there is no file {file}")
        if file.stat().st_size > MAX_FILE:
            raise too_large(file.name)
        data = file.read_bytes()
    except OSError as error:
        raise ClaimError(
            "unreadable", f"{file} cannot be read: {error.strerror or error}"
        ) from error
    return read_draft(data, file.name)


def too_large(name: str) -> ClaimError:
    """The error for a file that is too large."""
    return ClaimError("large_draft", f"{name} is larger than {MAX_FILE / 1e6:g} MB")


def _loaders() -> dict[str, Loader]:
    """Markdown as it is written, and whole pages: nothing that is quoted may be left out."""
    loaders: dict[str, Loader] = dict.fromkeys(_TEXT, read_text_file)
    return loaders | dict.fromkeys((".html", ".htm", ".xhtml"), _page)


def _page(data: bytes) -> Document:
    """The whole page, with marks for what its tags say is quoted."""
    page = decode(data, declared_encoding(data)).text
    return Document(markup_text(page, _mark_quotations))


def _mark_quotations(tree: Any) -> None:
    for quoted in tree.iter("q"):
        quoted.text, quoted.tail = f"“{quoted.text or ''}", f"”{quoted.tail or ''}"
    for block in tree.iter("blockquote"):
        for paragraph in list(block.iter("p")) or [block]:
            paragraph.text = f"> {(paragraph.text or '').lstrip()}"
        for line_break in block.iter("br"):
            line_break.tail = f"> {(line_break.tail or '').lstrip()}"
