"""Files of the corpus, read as articles."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

from index.articles.formats import read_text
from index.text.sentences import ends_a_sentence

TITLE_LENGTH = 120  # characters of a heading, and of a first line that stands in for a title


@dataclass(frozen=True)
class Article:
    """An article as it is stored.

    ``text`` is what every offset counts in, in Unicode code points: the file's text without
    front matter and markup, with ``\\n`` line ends and no byte order mark, otherwise as it
    came. ``path`` is relative to the corpus, with ``/``, and names the article. What the
    file does not tell is None; only the title falls back, to the first line of the text.
    ``date`` is in ISO 8601.
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
        """The title as models see it above the text, not too long to leave room for that.

        "" where it is only a first sentence.
        """
        first = self.text.strip().split("\n", 1)[0].strip()
        is_sentence = self.title == _shortened(first) and ends_a_sentence(first)
        return "" if is_sentence else _shortened(self.title)

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of the stored text in UTF-8, in hexadecimal digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def read_article(data: bytes, path: str) -> Article:
    """The article in the bytes of the file ``path``.

    Raises ArticleError when they hold no text, or a front matter that cannot be read.
    """
    text, fields = read_text(data, path)
    return Article(path=path, text=text, title=fields.pop("title", _first_line(text)), **fields)


def _first_line(text: str) -> str:
    return _shortened(text.strip().split("\n", 1)[0].strip())


def _shortened(line: str) -> str:
    if len(line) <= TITLE_LENGTH:
        return line
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0] + "…"
