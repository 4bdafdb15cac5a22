"""The words that a reader sees on the pages of a PDF, and where they stand."""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdfium2 import PdfBitmap, PdfPage, PdfTextPage

_CONTRAST = 16  # of 255 levels of grey: less is not seen
_LARGEST = 2000  # pixels of a side of a drawn page
_RAISED = 0.15  # of the letter's size, from its word's baseline
_SMALLER = 0.85  # of the size of its word: a raised letter
_UNIT = 3  # letters: a raised figure after so few is a power, as in m²
_DOUBLED = 0.35  # of the size: a second copy so near makes letters bold, or is a shadow
_SUPERSCRIPTS = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
UNREADABLE = "\N{REPLACEMENT CHARACTER}"  # for a letter that the file does not name


@dataclass(frozen=True)
class Word:
    """A word on a page, turned upright: left and right edge, baseline and size in points.

    Baselines count from the bottom of the page.
    """

    text: str
    left: float
    right: float
    baseline: float
    size: float


@dataclass(frozen=True)
class _Letter:
    """A letter with its box on the page and the direction in which it is written."""

    text: str
    box: tuple[float, float, float, float]  # left, bottom, right, top
    origin: tuple[float, float]
    size: float
    turn: int  # quarters of a circle; -1 for anything between

    def upright(self) -> tuple[float, float, float]:
        """Left edge, right edge and baseline as somebody sees them who turns the page."""
        left, bottom, right, top = self.box
        x, y = self.origin
        return [(left, right, y), (bottom, top, -x), (-right, -left, -y), (-top, -bottom, x)][
            self.turn
        ]


def seen_words(page: PdfPage) -> list[list[Word]]:
    """The words of a page in drawing order, those of the main direction first.

    What is invisible, covered, outside the page or drawn twice is left out: a word counts if the
    drawn page is not of one colour where it stands. This keeps the text that a recognition put
    below the picture of a page. So are words that are written aslant, such as stamps.
    """
    bitmap = page.render(scale=min(1.0, _LARGEST / max(page.get_size())), grayscale=True)
    position = bitmap.get_posconv(page)
    turned: dict[int, list[Word]] = {}
    for letters in _runs(page.get_textpage()):
        if letters[0].turn >= 0 and _is_seen(bitmap, position, letters):
            turned.setdefault(letters[0].turn, []).append(_word(letters))
    by_number = sorted(turned.values(), key=len, reverse=True)
    return [_without_doubles(words) for words in by_number]


def _runs(page: PdfTextPage) -> Iterator[list[_Letter]]:
    """The letters of each word."""
    run: list[_Letter] = []
    for letter in _letters(page):
        if run and (letter is None or not _goes_on(run, letter)):
            yield run
            run = []
        if letter is not None:
            run.append(letter)
    if run:
        yield run


def _goes_on(run: list[_Letter], letter: _Letter) -> bool:
    """Whether the letter belongs to the word: in its direction, not far away, on its line."""
    first, last = run[0], run[-1]
    if letter.turn != first.turn or letter.turn < 0:
        return letter.turn == first.turn
    _, right, _ = last.upright()
    left, _, baseline = letter.upright()
    size = max(first.size, letter.size)
    return abs(baseline - first.upright()[2]) < 0.6 * size and -size < left - right < size


def _letters(page: PdfTextPage) -> Iterator[_Letter | None]:
    """The letters of a page in drawing order, with None for each space."""
    from pypdfium2 import raw

    box, matrix = raw.FS_RECTF(), raw.FS_MATRIX()
    x, y = ctypes.c_double(), ctypes.c_double()
    for at in range(page.count_chars()):
        text = _text(page, at)
        if not text:
            yield None
            continue
        raw.FPDFText_GetLooseCharBox(page, at, box)
        raw.FPDFText_GetMatrix(page, at, matrix)
        raw.FPDFText_GetCharOrigin(page, at, x, y)
        yield _Letter(
            text,
            (box.left, box.bottom, box.right, box.top),
            (x.value, y.value),
            raw.FPDFText_GetFontSize(page, at) * ((matrix.c**2 + matrix.d**2) ** 0.5 or 1.0),
            _quarters(matrix.a, matrix.b),
        )


def _text(page: PdfTextPage, at: int) -> str:
    """The letter at this position; "" for a space."""
    from pypdfium2 import raw

    char = chr(raw.FPDFText_GetUnicode(page, at))
    if raw.FPDFText_IsHyphen(page, at) == 1:
        return "-"
    if char.isspace() or raw.FPDFText_IsGenerated(page, at) == 1:
        return ""
    category = unicodedata.category(char)
    unnamed = category in ("Cc", "Co", "Cs", "Cn") or char == "\ufffe"
    if unnamed or raw.FPDFText_HasUnicodeMapError(page, at) == 1:
        return UNREADABLE
    return "" if category == "Cf" and char != "\u00ad" else char


def _quarters(a: float, b: float) -> int:
    """The direction of writing in quarters of a circle, -1 if it is aslant."""
    if abs(b) < 0.05 * abs(a):
        return 0 if a > 0 else 2
    if abs(a) < 0.05 * abs(b):
        return 1 if b > 0 else 3
    return -1


def _is_seen(bitmap: PdfBitmap, position: Any, letters: list[_Letter]) -> bool:
    """Whether the drawn page is not of one colour where the word stands."""
    boxes = [letter.box for letter in letters]
    left, bottom = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, top = max(box[2] for box in boxes), max(box[3] for box in boxes)
    (x0, y0), (x1, y1) = position.to_bitmap(left, bottom), position.to_bitmap(right, top)
    columns = slice(max(0, min(x0, x1)), max(x0, x1) + 1)
    rows = range(max(0, min(y0, y1)), min(bitmap.height, max(y0, y1) + 1))
    pixels, darkest, lightest = memoryview(bitmap.buffer).cast("B"), 255, 0
    for row in rows:
        line = bytes(pixels[row * bitmap.stride : row * bitmap.stride + bitmap.width][columns])
        if line:
            darkest, lightest = min(darkest, *line), max(lightest, *line)
    return lightest - darkest >= _CONTRAST


def _word(letters: list[_Letter]) -> Word:
    full = max(letter.size for letter in letters)
    base = next(letter for letter in letters if letter.size == full)
    baseline = base.upright()[2]
    text = ""
    for letter in letters:
        is_raised = letter.upright()[2] - baseline > _RAISED * full
        if not (is_raised and letter.size < _SMALLER * full and letter.text.isdigit()):
            text += letter.text
        elif not text or not text[-1].isalpha() or len(text) <= _UNIT:
            text += letter.text.translate(_SUPERSCRIPTS)  # after a longer word: a note's mark
    edges = [letter.upright() for letter in letters]
    return Word(text, min(e[0] for e in edges), max(e[1] for e in edges), baseline, full)


def _without_doubles(words: list[Word]) -> list[Word]:
    """The words without those drawn a second time on nearly the same spot."""
    kept: list[Word] = []
    spots: dict[tuple[str, int, int], Word] = {}
    for word in words:
        near = _DOUBLED * word.size
        column, row = round(word.left / near), round(word.baseline / near)
        around = [(word.text, column + x, row + y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
        if not any(spot in spots for spot in around):
            kept.append(word)
        spots[word.text, column, row] = replace(word)
    return kept
