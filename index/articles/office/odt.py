"""Reads OpenDocument texts."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

from index.articles.document import Document
from index.articles.office.archive import Archive
from index.articles.office.markup import markup_text
from index.errors import ArticleError
from index.text.clean import one_line

_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}style-name"
_BODY = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}text"
# The elements of the format, without their name space, as elements of HTML.
_TAGS = {
    "p": "p", "h": "h2", "list-item": "li", "list": "ul", "a": "a",
    "table": "table", "table-row": "tr", "table-cell": "td", "frame": "div", "text-box": "div",
}  # fmt: skip
_NOT_TEXT = frozenset(
    "tracked-changes annotation annotation-end note covered-table-cell hidden-text"
    " hidden-paragraph table-of-content title desc forms sequence-decls script ruby-text"
    " bibliography-mark alphabetical-index".split()
)
_SPACES = {"s": " ", "tab": " ", "line-break": "<br>", "soft-page-break": ""}


def read_odt(data: bytes) -> Document:
    """The text of an .odt: as it stands with all its changes accepted, notes at the end.

    Headers, footers, comments and hidden text are left out. Raises ArticleError.
    """
    archive = Archive(data)
    root = archive.xml("content.xml")
    body = root.find(f".//{_BODY}") if root is not None else None
    if body is None:
        raise ArticleError("it is no OpenDocument text: save it as .odt again")
    notes = [part for note in body.iter("{*}note-body") for part in _markup(note)]
    meta = archive.xml("meta.xml")
    title = one_line(meta.findtext(f".//{_TITLE}") or "") if meta is not None else ""
    return Document(
        markup_text("".join([*_markup(body), *notes])), {"title": title} if title else {}
    )


def _markup(element: Any) -> Iterator[str]:
    """An element's content as HTML."""
    yield html.escape(element.text or "")
    for child in element:
        name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else ""
        if name in _SPACES:
            yield _SPACES[name]
        elif name and name not in _NOT_TEXT:
            tag = "th" if name == "table-cell" and _is_heading(child) else _TAGS.get(name, "span")
            yield f"<{tag}>"
            yield from _markup(child)
            yield f"</{tag}>"
        yield html.escape(child.tail or "")


def _is_heading(cell: Any) -> bool:
    """Whether a cell of a table names its column."""
    if cell.getparent().getparent().tag.endswith("}table-header-rows"):
        return True
    styles = {paragraph.get(_STYLE, "") for paragraph in cell.iterfind("{*}p")}
    return styles == {"Table_20_Heading"}
