"""Extracts the main text of web pages."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Iterator
from typing import Any

from index.articles.document import Document
from index.errors import ArticleError
from index.text.clean import without_controls

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_META_WITHIN = 4096  # bytes from the beginning; front matter may come first
_XML_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_INLINE = frozenset(
    "a abbr b bdi br cite code data del dfn em font graphic hi i ins kbd lb mark q ref s samp small"
    " span strong sub sup time u var wbr".split()
)
_MAX_ELEMENTS = 50_000  # a news page has a few thousand; this many take seconds
_STOPS = ".!?…。！？"
_NO_ARTICLE = (
    "no article was found in the page: save its text as .txt, or the page as the browser shows it"
)
_BREAK = "\x00"  # removed from pages before


def declared_encoding(data: bytes) -> str | None:
    """The encoding that a page's meta element declares, by its Python name."""
    match = _META_CHARSET.search(data[:_META_WITHIN])
    return python_encoding(match[1].decode("ascii", "replace")) if match else None


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
    """The main text of an HTML page, and its fields.

    An empty line separates blocks of text; a ``<br>`` is a line end. Raises ArticleError if
    there is no main text or there are too many elements.
    """
    from index.articles.page_metadata import page_fields

    tree = _parse(markup)
    fields = page_fields(tree)
    text = _main_text(tree)
    if not any(stop in text for stop in _STOPS):
        raise ArticleError(_NO_ARTICLE)
    return Document(text, fields)


def _parse(markup: str) -> Any:
    from lxml.etree import LxmlError
    from lxml.html import HTMLParser, document_fromstring

    # The declaration may name an encoding, but the markup is decoded already.
    markup = _XML_DECLARATION.sub("", markup.replace("\x00", ""), count=1)
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)
    try:
        tree = document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (LxmlError, ValueError, AssertionError):
        raise ArticleError(_NO_ARTICLE) from None
    if tree.xpath("count(//*)") > _MAX_ELEMENTS:
        raise ArticleError(
            f"the page has more than {_MAX_ELEMENTS} elements: save its text as .txt"
        )
    return tree


def _main_text(tree: Any) -> str:
    """The text of the article that trafilatura finds, or ""."""
    from trafilatura import bare_extraction
    from trafilatura.settings import Document as Extracted

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # its errors are raised here
    try:
        # Without favor_precision, a short or empty page yields its menu.
        document = bare_extraction(tree, favor_precision=True, include_comments=False)
    except Exception:  # trafilatura does not catch all errors of strange pages
        logging.getLogger(__name__).debug("trafilatura failed", exc_info=True)
        return ""
    return _text(document.body) if isinstance(document, Extracted) else ""


def _text(body: Any) -> str:
    blocks = []
    for block in re.split(rf"{_BREAK}|\n *\n", "".join(_pieces(body))):
        lines = (re.sub(r" {2,}", " ", line).strip() for line in block.split("\n"))
        blocks.append("\n".join(filter(None, lines)))
    return "\n\n".join(filter(None, blocks))


def _pieces(element: Any, within: bool = False) -> Iterator[str]:
    """The text of an element, with ``_BREAK`` around blocks.

    ``within``: the element is inside a paragraph, where a quotation is part of the line.
    """
    tag = element.tag if isinstance(element.tag, str) else ""
    inline = tag in _INLINE or (within and tag == "quote")
    edge = "" if inline else " " if tag in ("cell", "td", "th") else _BREAK
    yield edge
    if tag in ("lb", "br"):
        yield "\n"
    elif tag:
        yield _inline_text(element.text)
    for child in element:
        yield from _pieces(child, within or tag == "p")
        yield _inline_text(child.tail)
    yield edge


def _inline_text(text: str | None) -> str:
    return re.sub(r"[ \t\r\n]+", " ", without_controls(text or ""))
