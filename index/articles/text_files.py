"""Reads text files: their encoding and front matter."""

from __future__ import annotations

from dataclasses import replace

from index.articles.document import Document
from index.articles.encodings import decode
from index.articles.front_matter import split_front_matter
from index.text.clean import with_line_ends


def read_text_file(data: bytes, declared: str | None = None) -> Document:
    """The text after the front matter, the known fields in that, and what could not be read.

    ``declared`` is an encoding as in ``decode``. Raises ArticleError.
    """
    decoded = decode(data, declared)
    document = split_front_matter(with_line_ends(decoded.text.lstrip("\ufeff")))
    return replace(document, notes=(*decoded.notes, *document.notes))
