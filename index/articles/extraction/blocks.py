"""A page as blocks of text: what a browser shows on lines of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from index.text.clean import without_controls
from index.text.dates import is_time_of_day

_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rb rt"
    " ruby s samp small span strike strong sub sup time tt u var wbr".split()
)
_SUPERSCRIPT = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
_SUBSCRIPT = str.maketrans("0123456789+-−", "₀₁₂₃₄₅₆₇₈₉₊₋₋")
_POWER = re.compile(r"[\d+\-−n]{1,4}")
_BASE = re.compile(r"(?:^|[^\w.,])(?:\d{1,3}|[^\W\d_]{1,3}|.*[)\]])$")
_MAX_SPAN = 50  # columns or rows of one cell
_MAX_CELL = 200  # characters; a longer cell is a layout
_MAX_LINK = 400  # characters; more is a link that nobody closed


@dataclass
class Block:
    """A block of text and the element that shows it, None for one from metadata.

    ``text`` is one line, or the lines of a ``<pre>``. ``linked`` counts its characters that are
    links, but none of a sentence with several. ``goes_on``: only a line break parts it from the
    block before.
    """

    element: Any
    text: str
    linked: int = 0
    is_row: bool = False
    goes_on: bool = False


def page_blocks(tree: Any) -> list[Block]:
    """The blocks of a page's body, in the order of the markup."""
    return list(_Walk().blocks(tree))


def joined(blocks: Sequence[Block]) -> str:
    """The text of the blocks; the time of a live blog's entry is on the entry's first line."""
    text = blocks[0].text if blocks else ""
    for before, block in pairwise(blocks):
        gap = " " if is_time_of_day(before.text) else "\n" if block.goes_on else "\n\n"
        text += gap + block.text
    return text


class _Walk:
    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._owner: Any = None
        self._link: list[str] | None = None  # pieces of the link that is open
        self._linked = self._links = 0
        self._breaks = 0  # <br> since the last block
        self._is_new = True  # a block element began or ended since then
        self._pre = 0

    def blocks(self, tree: Any) -> Iterator[Block]:
        from lxml.etree import iterwalk

        body = tree.find("body")
        walk = iterwalk(tree if body is None else body, events=("start", "end"))
        for event, element in walk:
            if not isinstance(element.tag, str) or element.tag == "head":
                walk.skip_subtree()
                continue
            if event == "start":
                yield from self._start(element, walk)
            else:
                yield from self._end(element)
        yield from self._flush()

    def _start(self, element: Any, walk: Any) -> Iterator[Block]:
        tag = element.tag
        if tag == "br":
            yield from self._flush()
            self._breaks += 1
        elif tag in ("sup", "sub"):
            self._add(_script(element, "".join(self._pieces[-2:])), element)
            walk.skip_subtree()
        elif tag == "table" and (rows := _data_rows(element)):
            yield from self._flush()
            yield from rows
            self._is_new = True
            walk.skip_subtree()
        else:
            if tag not in _INLINE:
                yield from self._flush()
                self._is_new = True
            elif tag == "a":
                self._close_link()
                self._link = []
            self._pre += tag == "pre"
            self._add(element.text, element)

    def _end(self, element: Any) -> Iterator[Block]:
        if element.tag not in _INLINE and element.tag != "br":
            yield from self._flush()
            self._is_new = True
        elif element.tag == "a":
            self._close_link()
        self._pre -= element.tag == "pre"
        self._add(element.tail, element.getparent())

    def _add(self, text: str | None, owner: Any) -> None:
        if not text:
            return
        cleaned = without_controls(text)
        if not self._pre:
            cleaned = re.sub(r"[ \t\r\n\f]+", " ", cleaned)
        if self._owner is None and cleaned.strip():
            self._owner = owner
        self._pieces.append(cleaned)
        if self._link is not None:
            self._link.append(cleaned)

    def _close_link(self) -> None:
        if self._link is not None:
            length = len("".join(self._link).strip())
            self._linked += length if length <= _MAX_LINK else 0
            self._links += length > 0
        self._link = None

    def _flush(self) -> Iterator[Block]:
        in_link = self._link is not None
        self._close_link()
        lines = (re.sub(r" {2,}", " ", line).strip() for line in "".join(self._pieces).split("\n"))
        text = "\n".join(filter(None, lines))
        if text and self._owner is not None:
            if (
                self._links > 1 and text[-1] in ".!?…»”"
            ):  # a sentence with links, not a list of them
                self._linked = 0
            goes_on = self._breaks == 1 and not self._is_new
            element = _block_element(self._owner)
            yield Block(element, text, min(self._linked, len(text)), goes_on=goes_on)
            self._breaks, self._is_new = 0, False
        self._pieces, self._owner, self._linked, self._links = [], None, 0, 0
        self._link = [] if in_link else None


def _block_element(element: Any) -> Any:
    while element.tag in _INLINE and element.getparent() is not None:
        element = element.getparent()
    return element


def _script(element: Any, before: str) -> str:
    """A superscript or subscript, so that no figure arises: 10³, CO2; "" for a note's mark."""
    text = "".join(element.itertext()).strip()
    if element.tag == "sub":
        return text.translate(_SUBSCRIPT) if before[-1:].isdigit() else text
    if not _POWER.fullmatch(text) or element.find(".//a") is not None or element.get("id"):
        is_note = not text.isalpha() or element.find(".//a") is not None
        return "" if is_note else text
    return text.translate(_SUPERSCRIPT) if _BASE.search(before) else ""


def _data_rows(table: Any) -> list[Block]:
    """The rows of a table of data, each cell with its column's heading; [] for a layout."""
    if table.find(".//table") is not None:
        return []
    rows = [row for row in _grid(table) if row]
    texts = [[_joined(cell.itertext()) for cell in row] for row in rows]
    if (
        len(rows) < 2
        or max(map(len, rows)) < 2
        or max(len(t) for r in texts for t in r) > _MAX_CELL
    ):
        return []
    blocks = [Block(caption, _joined(caption.itertext())) for caption in table.iter("caption")]
    if len(set(rows[0])) == 1:  # over all columns
        blocks.append(Block(table, texts[0][0], is_row=True))
        rows, texts = rows[1:], texts[1:]
    headings = texts[0] if len(rows) > 1 and _has_headings(rows, texts) else []
    for row, cells in zip(rows, texts, strict=True):
        linked = sum(len(_joined(a.itertext())) for cell in row for a in cell.iter("a"))
        text = " · ".join(_labelled(cells, headings))
        if cells is not headings and text:
            blocks.append(Block(table, text, min(linked, len(text)), is_row=True))
    return [block for block in blocks if block.text]


def _grid(table: Any) -> list[list[Any]]:
    """The cells of each row, those that reach down from the rows above included."""
    grid: list[list[Any]] = []
    reaching: dict[int, tuple[int, Any]] = {}  # by column: the rows still to fill, and the cell
    for row in table.iter("tr"):
        cells: list[Any] = []
        for cell in (child for child in row if child.tag in ("td", "th")):
            _fill(cells, reaching)
            if (rows := _span(cell, "rowspan")) > 1:
                reaching[len(cells)] = (rows - 1, cell)
            cells.append(cell)
            cells.extend([cell] * (_span(cell, "colspan") - 1))
        _fill(cells, reaching)
        grid.append(cells)
    return grid


def _fill(cells: list[Any], reaching: dict[int, tuple[int, Any]]) -> None:
    while len(cells) in reaching:
        rows, cell = reaching.pop(len(cells))
        if rows > 1:
            reaching[len(cells)] = (rows - 1, cell)
        cells.append(cell)


def _span(cell: Any, name: str) -> int:
    value = cell.get(name) or "1"
    return max(1, min(int(value), _MAX_SPAN)) if value.isdecimal() else 1


def _has_headings(rows: list[list[Any]], texts: list[list[str]]) -> bool:
    """Whether the first row names the columns: by its elements, or because only it is words."""
    if all(cell.tag == "th" for cell in rows[0]):
        return True
    has_digit = [any(map(str.isdigit, "".join(row))) for row in texts]
    return not has_digit[0] and all(has_digit[1:]) and all(texts[0])


def _labelled(cells: list[str], headings: list[str]) -> list[str]:
    if len(cells) != len(headings):
        return list(dict.fromkeys(filter(None, cells)))
    pairs = [
        (heading, text) for heading, text in zip(headings, cells, strict=True) if text
    ]  # a cell over several columns of one heading comes once
    texts = (f"{heading}: {text}" if heading else text for heading, text in pairs)
    return list(dict.fromkeys(texts))


def _joined(texts: Iterable[str]) -> str:
    return " ".join(without_controls("".join(texts)).split())
