"""Reads web pages as articles."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace

from index.articles.document import Document

# Comments and scripts may hold other markup. One that nobody closed reaches to the end.
_META_CHARSET = re.compile(
    rb"<!--(?:.*?-->|.*)|<(script|style|textarea)\b(?:.*?</\1|.*)|<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*"
    rb"(?P<label>[\w.:-]+)",
    re.IGNORECASE | re.DOTALL,
)
_META_WITHIN = 1_000_000  # bytes from the beginning; scripts and front matter may come first


def declared_encoding(data: bytes) -> str | None:
    """The encoding that a page's meta element declares, by its Python name."""
    matches = _META_CHARSET.finditer(data[:_META_WITHIN])
    label = next(filter(None, (match["label"] for match in matches)), b"")
    return python_encoding(label.decode("ascii", "replace"))


def python_encoding(label: str) -> str | None:
    """The Python name of the encoding that browsers use for a label: cp1252 for Latin-1.

    None if the label is unknown or the encoding does not include ASCII, such as UTF-16.
    """
    try:
        name = codecs.lookup(label).name
        b"<".decode(name)  # fails for UTF-16, and for codecs of bytes such as "zlib"
    except (LookupError, ValueError):
        return None
    return "cp1252" if name in ("iso8859-1", "ascii") else name


def read_page(markup: str) -> Document:
    """The article of an HTML page, and its fields.

    An empty line separates blocks of text; a ``<br>`` is a line end. Raises ArticleError, with
    the reason, if there is no article.
    """
    from index.articles.extraction.article_text import article_text
    from index.articles.extraction.parsing import parse_page
    from index.articles.page_metadata import page_fields

    tree = parse_page(markup)
    fields = page_fields(tree)
    return replace(article_text(tree, fields.get("title", "")), fields=fields)
