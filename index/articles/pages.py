"""Web pages: the main text without the page around it."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Iterator
from typing import Any

from index.errors import ArticleError
from index.text.clean import without_controls

_META_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_META_WITHIN = 4096  # bytes from the beginning; a front matter may come first
_XML_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
_INLINE = frozenset(
    "a abbr b bdi br cite code data del dfn em font graphic hi i ins kbd lb mark q ref s samp small"
    " span strong sub sup time u var wbr".split()
)
_MOST_ELEMENTS = 50_000  # a news page has a few thousand; this many take some seconds
_STOPS = ".!?…。！？"
_NO_ARTICLE = (
    "no article was found in the page: save its text as .txt, or the page as the browser shows it"
)
_BREAK = "\x00"  # no page holds one


def declared_encoding(data: bytes) -> str | None:
    """The encoding that a page's own meta element names, as Python calls it, if it does."""
    found = _META_CHARSET.search(data[:_META_WITHIN])
    return python_encoding(found[1].decode("ascii", "replace")) if found else None


def python_encoding(label: str) -> str | None:
    """What browsers take an encoding's label for: Latin-1 is cp1252, and no meta says UTF-16.

    None where it is no encoding of text in which a page's marks are those of ASCII.
    """
    try:
        name = codecs.lookup(label).name
        b"<".decode(name)  # Python has codecs for what is no text, like "hex" and "zlib"
    except (LookupError, ValueError):
        return None
    return "cp1252" if name in ("iso8859-1", "ascii") else name


def read_page(markup: str) -> tuple[str, dict[str, str]]:
    """The main text of an HTML page, and what the page tells of itself.

    Blocks of the text are apart by an empty line; a ``<br>`` is a line end.

    Raises ArticleError when there is no main text, or far too many elements.
    """
    from index.articles.page_metadata import page_fields

    tree = _parse(markup)
    fields = page_fields(tree)
    text = _main_text(tree)
    if not any(stop in text for stop in _STOPS):
        raise ArticleError(_NO_ARTICLE)
    return text, fields


def _parse(markup: str) -> Any:
    """The page's tree."""
    from lxml.etree import LxmlError
    from lxml.html import HTMLParser, document_fromstring

    markup = _XML_DECLARATION.sub("", markup.replace("\x00", ""), count=1)  # it is decoded already
    parser = HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)
    try:
        tree = document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except (LxmlError, ValueError, AssertionError):
        raise ArticleError(_NO_ARTICLE) from None
    if tree.xpath("count(//*)") > _MOST_ELEMENTS:
        raise ArticleError(
            f"the page has more than {_MOST_ELEMENTS} elements: save its text as .txt"
        )
    return tree


def _main_text(tree: Any) -> str:
    """The text that trafilatura takes for the article; "" where it takes none."""
    from trafilatura import bare_extraction
    from trafilatura.settings import Document

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it logs what is told here
    try:
        # Precision: without it, a short or empty page gives its menu, word by word.
        found = bare_extraction(tree, favor_precision=True, include_comments=False)
    except Exception:  # it lets through what a page nobody thought of raises in it
        logging.getLogger(__name__).debug("trafilatura failed", exc_info=True)
        return ""
    return _text(found.body) if isinstance(found, Document) else ""


def _text(body: Any) -> str:
    pieces = re.split(rf"{_BREAK}|\n *\n", "".join(_pieces(body)))
    blocks = ("\n".join(_lines(piece)) for piece in pieces)
    return "\n\n".join(block for block in blocks if block)


def _lines(piece: str) -> list[str]:
    lines = [re.sub(r" {2,}", " ", line).strip() for line in piece.split("\n")]
    return [line for line in lines if line]


def _pieces(element: Any, within: bool = False) -> Iterator[str]:
    """The text of an element; blocks begin and end with a break, a line break is a line end.

    ``within``: the element stands in a paragraph, where a quotation is part of the line.
    """
    tag = element.tag if isinstance(element.tag, str) else ""
    inline = tag in _INLINE or (within and tag == "quote")
    edge = "" if inline else " " if tag in ("cell", "td", "th") else _BREAK
    yield edge
    if tag in ("lb", "br"):
        yield "\n"
    elif tag:
        yield _flat(element.text)
    for child in element:
        yield from _pieces(child, within or tag == "p")
        yield _flat(child.tail)
    yield edge


def _flat(text: str | None) -> str:
    return re.sub(r"[ \t\r\n]+", " ", without_controls(text or ""))
