"""Reads e-books."""

from __future__ import annotations

import posixpath
from typing import Any
from urllib.parse import unquote

from index.articles.document import Document
from index.articles.encodings import decode
from index.articles.office.archive import Archive
from index.articles.office.markup import markup_text
from index.articles.page_dates import day_of
from index.errors import ArticleError
from index.text.clean import one_line

_DC = "{http://purl.org/dc/elements/1.1/}"
_FIELDS = {"title": "title", "publisher": "source", "language": "language"}


def read_epub(data: bytes) -> Document:
    """The text of an .epub in the order of its reading, without its table of contents.

    Its publisher is the source. Raises ArticleError, also if its text is encrypted.
    """
    archive = Archive(data)
    container = archive.xml("META-INF/container.xml")
    path = container.find(".//{*}rootfile").get("full-path", "") if container is not None else ""
    package = archive.xml(path) if path else None
    if package is None:
        raise ArticleError("it is no e-book: save it as .epub again")
    locked = archive.read("META-INF/encryption.xml")
    texts = [
        markup_text(decode(archive.read(name)).text)
        for name in _chapters(package, posixpath.dirname(path))
        if name.encode() not in locked
    ]
    text = "\n\n".join(filter(None, texts))
    if not text and locked:
        raise ArticleError("the e-book is encrypted for one reader: save a copy without that")
    return Document(text, _fields(package))


def _chapters(package: Any, folder: str) -> list[str]:
    """The names of the parts in reading order, without navigation."""
    items = {
        item.get("id"): posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        for item in package.iterfind(".//{*}manifest/{*}item")
        if "nav" not in item.get("properties", "").split()
    }
    spine = package.iterfind(".//{*}spine/{*}itemref")
    return [items[ref.get("idref")] for ref in spine if ref.get("idref") in items]


def _fields(package: Any) -> dict[str, str]:
    found = {
        field: one_line(package.findtext(f".//{_DC}{name}") or "")
        for name, field in _FIELDS.items()
    }
    found["date"] = day_of(package.findtext(f".//{_DC}date") or "")
    return {name: value for name, value in found.items() if value}
