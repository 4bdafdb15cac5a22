"""Reads files of the corpus as articles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from index.articles.document import Document
from index.articles.formats import read_document
from index.text.sentences import ends_a_sentence

TITLE_LENGTH = 120  # characters of a heading, and of a first line that serves as the title


@dataclass(frozen=True)
class Article:
    """An article as it is stored.

    ``path`` is relative to the corpus, with ``/``, and identifies the article. ``text`` is the
    file's text without front matter and markup, with ``\\n`` line ends and no byte order mark,
    otherwise unchanged; all offsets count its Unicode code points. Fields that the file lacks
    are None, but the title falls back to the first line of the text. ``date`` is in ISO 8601.
    """

    path: str
    text: str
    title: str
    source: str | None = None
    date: str | None = None
    url: str | None = None
    language: str | None = None

    @cached_property
    def heading(self) -> str:
        """The title as models see it above the text, shortened to leave room for that.

        "" if the title is only the text's first sentence.
        """
        first_line = _first_line(self.text)
        is_sentence = self.title == _shortened(first_line) and ends_a_sentence(first_line)
        return "" if is_sentence else _shortened(self.title)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the stored text in UTF-8, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_article(data: bytes, path: str) -> Article:
    """The article in the bytes of the file ``path``.

    Raises ArticleError if there is no text or the front matter is not readable.
    """
    return as_article(read_document(data, path), path)


def as_article(document: Document, path: str) -> Article:
    """The document of the file ``path`` as an article."""
    fields = {"title": _shortened(_first_line(document.text)), **document.fields}
    return Article(path, document.text, **fields)


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0].strip()


def _shortened(line: str) -> str:
    if len(line) <= TITLE_LENGTH:
        return line
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0] + "…"
