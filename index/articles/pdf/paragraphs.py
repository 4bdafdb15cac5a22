"""Joins the lines of a PDF to paragraphs, without what each page repeats."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence

from index.articles.pdf.columns import Line, baselines, lines_in_order
from index.articles.pdf.hyphens import LINE_END_HYPHEN
from index.articles.pdf.words import Word

_WIDE_GAP = 1.4  # times the usual line distance: a new paragraph
_OTHER_SIZE = 1.15  # ratio of the sizes of two lines: a heading or a caption
_SHORT = 0.85  # of the column's width: a paragraph may end here
_VERY_SHORT = 0.5  # a heading or a list item may end here
_INDENTED = 0.8  # of the letters' size: a paragraph begins here
_CENTRED = 3.0  # of the letters' size: a line of its own, such as that of an author
_STOP = re.compile(r"[.!?…:;][”“\"»’')\]]*$")
_BULLETS = frozenset("•▪◦‣●■")
_EDGE_LINES = 3  # at the top and the bottom of a page, where running heads are
_DIGITS = str.maketrans("0123456789", "#" * 10)


def text_of(pages: Sequence[Sequence[Word]]) -> str:
    """The text of pages in paragraphs, with an empty line between them.

    A space joins the lines of a paragraph, also from column to column and from page to page.
    The marks of ``hyphens`` stand where a word may go on.
    """
    words = _without_running_heads(pages)
    return "\n\n".join(_paragraphs([line for page in words for line in lines_in_order(page)]))


def _without_running_heads(pages: Sequence[Sequence[Word]]) -> list[list[Word]]:
    """The words without lines that recur at the top or the bottom of pages, and page numbers."""
    rows = [baselines(page) for page in pages]
    recurring: Counter[tuple[bool, str, int]] = Counter()
    for page in rows:
        recurring.update({(top, *_look(row)) for top, row in _edge_rows(page)})
    kept = []
    for page in rows:
        heads = {
            id(row)
            for top, row in _edge_rows(page)
            if recurring[top, *_look(row)] > 1
            or (len(page) > 1 and _look(row)[0].strip("-–— ").strip("#") == "")
        }
        kept.append([word for row in page if id(row) not in heads for word in row])
    return kept if any(kept) else [list(page) for page in pages]


def _edge_rows(rows: list[list[Word]]) -> list[tuple[bool, list[Word]]]:
    """The first and the last rows of a page, with whether they are at the top."""
    count = min(_EDGE_LINES, (len(rows) + 1) // 2)
    return [*((True, row) for row in rows[:count]), *((False, row) for row in rows[-count:])]


def _look(row: list[Word]) -> tuple[str, int]:
    """What a row has in common with its like on other pages: other figures are the same."""
    text = " ".join(word.text for word in row).translate(_DIGITS)
    while "##" in text:
        text = text.replace("##", "#")
    return text, round(row[0].size)


def _paragraphs(lines: list[Line]) -> list[str]:
    if not lines:
        return []
    paragraphs = [lines[0].text]
    for line, following in itertools.pairwise(lines):
        if _ends_paragraph(line, following):
            paragraphs.append(following.text)
        else:
            paragraphs[-1] = _continued(paragraphs[-1], following.text)
    return paragraphs


def _ends_paragraph(line: Line, following: Line) -> bool:
    """Whether a paragraph ends with the line.

    A wrong cut after a full stop splits no sentence; elsewhere only another size of letters, a
    wide gap, a table or a very short line counts.
    """
    small, large = sorted((line.size, following.size))
    if large > _OTHER_SIZE * small or line.is_table_row or following.is_table_row:
        return True
    block, same_block = line.block, line.block is following.block
    gap = line.baseline - following.baseline
    if same_block and gap > _WIDE_GAP * block.leading:
        return True
    if following.text[0] in _BULLETS:
        return True
    length = (line.right - block.left) / (block.right - block.left or 1.0)
    if _STOP.search(line.text):
        begins = _is_indented(following) or following.text[0] in "–—"
        return length < _SHORT or begins or not same_block
    is_centred = line.left - block.left > _CENTRED * line.size
    return (length < _VERY_SHORT or is_centred) and not following.text[0].islower()


def _is_indented(line: Line) -> bool:
    return line.left - line.block.left > _INDENTED * line.size


def _continued(text: str, line: str) -> str:
    """A text and its next line, with a mark between them for a hyphen that may be the layout's."""
    if text.endswith("\u00ad"):
        return text[:-1] + line
    if text[-1] in "-‐" and text[-2:-1].isalpha() and line[0].isalpha():
        return f"{text[:-1]}{LINE_END_HYPHEN}{line}"
    return f"{text} {line}"
