"""Puts the words of a page into lines, and its columns one after the other."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from index.articles.pdf.hyphens import DROP_CAP
from index.articles.pdf.words import Word

_BASELINE = 0.4  # of the letters' size: words no further apart are on one line
# The least lines of each column, and how wide the strip between them is, in sizes of letters.
_GUTTERS = ((3, 0.9), (2, 1.8))
_MIN_WORDS = 3  # on a usual line of a column; fewer are the cells of a table
_BAND = 3.0  # times the usual distance of lines: what is below begins anew
_CELL_GAP = 2.0  # of the letters' size: between cells of a table
_DROP_CAP_SIZE = 1.8  # times the usual size


@dataclass(frozen=True)
class Block:
    """A column: its edges and the usual distance of its baselines, in points."""

    left: float
    right: float
    leading: float


@dataclass(frozen=True)
class Line:
    """The words on one baseline of a column."""

    words: tuple[Word, ...]
    block: Block

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @property
    def left(self) -> float:
        return self.words[0].left

    @property
    def right(self) -> float:
        return self.words[-1].right

    @property
    def baseline(self) -> float:
        return _longest(self.words).baseline

    @property
    def size(self) -> float:
        return _longest(self.words).size

    @property
    def is_table_row(self) -> bool:
        """Whether cells of a table are on the line."""
        gaps = (
            after.left - word.right for word, after in zip(self.words, self.words[1:], strict=False)
        )
        return max(gaps, default=0.0) > _CELL_GAP * self.size


def lines_in_order(words: Sequence[Word]) -> list[Line]:
    """The lines of a page as they are read, each drop cap in front of the word beside it."""
    return _ordered(baselines(_with_drop_caps(list(words))))


def baselines(words: Sequence[Word]) -> list[list[Word]]:
    """The words on each baseline from the top of the page, from left to right."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: -word.baseline):
        if rows:
            row = _longest(rows[-1])
            if row.baseline - word.baseline < _BASELINE * max(row.size, word.size):
                rows[-1].append(word)
                continue
        rows.append([word])
    return [sorted(row, key=lambda word: word.left) for row in rows]


def _longest(words: Sequence[Word]) -> Word:
    return max(words, key=lambda word: len(word.text))


def _ordered(rows: list[list[Word]]) -> list[Line]:
    """The rows as lines: above the columns, each column from the left, below them."""
    gutter = _gutter(rows)
    if gutter is None:
        return _block(rows)
    first, last, edge = gutter
    beside = [word for row in rows[first:last] for word in row]
    parts = [
        rows[:first],
        baselines([word for word in beside if word.left < edge]),
        baselines([word for word in beside if word.left >= edge]),
        rows[last:],
    ]
    return [line for part in parts for line in _ordered(part)]


def _block(rows: list[list[Word]]) -> list[Line]:
    if not rows:
        return []
    heights = [_longest(row).baseline for row in rows]
    left, right = min(row[0].left for row in rows), max(row[-1].right for row in rows)
    block = Block(left, right, _leading(heights))
    return [Line(tuple(row), block) for row in rows]


def _leading(heights: list[float]) -> float:
    """The usual distance of the baselines at these heights."""
    gaps = [before - height for before, height in itertools.pairwise(heights)]
    return statistics.median_low(gaps) if gaps else 0.0


def _gutter(rows: list[list[Word]]) -> tuple[int, int, float] | None:
    """The rows between which an empty strip separates columns, and its right edge.

    Of all strips that begin where words begin, it is the one with the most lines on both sides.
    """
    size = statistics.median(word.size for row in rows for word in row) if rows else 0.0
    best: tuple[int, int, float] | None = None
    most = 0
    for least, width in _GUTTERS:
        for edge in sorted(
            {word.left for row in rows for word in _segment_starts(row, width * size)}
        ):
            for first, last in _runs_beside(rows, edge - width * size, edge - 1.0):
                lines = _lines_beside(rows[first:last], edge - 1.0)
                if lines > most and lines >= least:
                    best, most = (first, last, edge - 1.0), lines
    return best


def _segment_starts(row: list[Word], width: float) -> list[Word]:
    """The first word of the row, and those after a gap of that width."""
    pairs = itertools.pairwise(row)
    return [row[0], *(word for before, word in pairs if word.left - before.right >= width)]


def _runs_beside(rows: list[list[Word]], left: float, right: float) -> list[tuple[int, int]]:
    """The runs of rows without a wide gap and a word in the strip, as first and last + 1."""
    runs, start = [], 0
    heights = [_longest(row).baseline for row in rows]
    leading = _leading(heights)
    for at, row in enumerate(rows):
        if at and heights[at - 1] - heights[at] > _BAND * leading:
            runs.append((start, at))
            start = at
        if any(word.left < right and word.right > left for word in row):
            runs.append((start, at))
            start = at + 1
    return [run for run in [*runs, (start, len(rows))] if run[0] < run[1]]


def _lines_beside(rows: list[list[Word]], edge: float) -> int:
    """How many lines the shorter column has; 0 if these are the cells of a table."""
    sides = [
        [count for row in rows if (count := sum((word.left < edge) == is_left for word in row))]
        for is_left in (True, False)
    ]
    if any(not side or statistics.median(side) < _MIN_WORDS for side in sides):
        return 0
    return min(len(side) for side in sides)


def _with_drop_caps(words: list[Word]) -> list[Word]:
    """The words, each drop cap joined with the highest word beside it."""
    if not words:
        return words
    usual = statistics.median(word.size for word in words)
    for cap in [w for w in words if w.size >= _DROP_CAP_SIZE * usual and _is_one_letter(w.text)]:
        beside = [
            word
            for word in words
            if word.size < cap.size
            and 0 <= word.baseline - cap.baseline + usual / 2 <= cap.size
            and -usual / 2 <= word.left - cap.right <= 2 * usual
        ]
        if len({round(word.baseline) for word in beside}) > 1:
            first = max(beside, key=lambda word: word.baseline)
            at = words.index(first)
            words[at] = replace(first, text=f"{cap.text}{DROP_CAP}{first.text}")
            words.remove(cap)
    return words


def _is_one_letter(text: str) -> bool:
    letters = text.strip("“”«»\"'‘’ ")
    return len(letters) == 1 and letters.isalpha()
