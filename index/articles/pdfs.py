"""Extracts the text of PDFs, in paragraphs."""

from __future__ import annotations

import io
import itertools
import logging
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from index.articles.document import Document
from index.errors import ArticleError
from index.text.clean import one_line, without_controls

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader

TIME_LIMIT = 60.0  # seconds for one file
TEXT_LIMIT = 5_000_000  # characters: some thousand pages

_WIDE_GAP = 1.4  # times the usual line distance: a new paragraph
_OTHER_SIZE = 1.15  # ratio of the sizes of two lines: a heading or a caption
_SHORT = 0.85  # of the longest line's length: a paragraph may end here
_VERY_SHORT = 0.5  # a heading or a list item may end here
_STOP = re.compile(r"[.!?…:;][”“\"»’')\]]*$")
_HYPHENATED = re.compile(r"[^\W\d_]-$")
_NO_TITLE = re.compile(
    r"untitled|senza titolo|document[o]?\d*|microsoft (word|powerpoint) - .*|"
    r"present(ation|azione).*\.?\d*|[^ ]*|.*\.(docx?|odt|rtf|indd|qxd|qxp|pdf|tex|dvi|pptx?|txt)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Line:
    """A line of a page, or a piece of one; its height on the page and font size in points."""

    text: str
    height: float
    size: float


def read_pdf(data: bytes, seconds: float = TIME_LIMIT) -> Document:
    """The text of a PDF, and its title if it has one.

    An empty line separates pages and paragraphs. A space joins the lines of a paragraph; a
    hyphen of the layout is removed. Raises ArticleError if the file is damaged, locked or has no
    text, or if it takes longer than ``seconds``.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it repairs what it warns of
    deadline = time.monotonic() + seconds
    try:
        reader = PdfReader(io.BytesIO(data))
        text = "\n\n".join(filter(None, _page_texts(reader, deadline)))
        title = _title(reader)
    except ArticleError:
        raise
    except (FileNotDecryptedError, DependencyError):
        raise ArticleError("it is locked: save a copy without the password") from None
    except Exception as error:  # pypdf raises anything on damaged files
        raise ArticleError(
            f"it is a damaged PDF ({one_line(str(error))[:100] or type(error).__name__}): "
            "open it in a viewer and print it as a new PDF"
        ) from error
    if not text:
        raise ArticleError(
            "it holds no text, only pictures of it: run a text recognition over it first"
        )
    return Document(text, {"title": title} if title else {})


def _page_texts(reader: PdfReader, deadline: float) -> Iterator[str]:
    length = 0
    for page in reader.pages:
        text = "\n\n".join(_paragraphs(_lines(page, deadline)))
        length += len(text)
        if length > TEXT_LIMIT:
            raise ArticleError(f"it holds more than {TEXT_LIMIT} characters: split it")
        yield text


def _title(reader: PdfReader) -> str:
    """The title in the metadata, unless it is the name of a file or a default."""
    try:
        title = one_line(str(reader.metadata.title or "")) if reader.metadata else ""
    except Exception:  # noqa: BLE001 - damaged metadata
        return ""
    return "" if len(title) > 300 or _NO_TITLE.fullmatch(title) else title


def _lines(page: PageObject, deadline: float) -> list[_Line]:
    """The lines of a page in drawing order."""
    lines: list[_Line] = []
    pieces: list[_Line] = []

    def check_deadline(*_: Any) -> None:
        if time.monotonic() > deadline:
            raise ArticleError("reading it took too long: print it as a new PDF, or split it")

    def collect(text: str, cm: list[float], tm: list[float], _font: Any, size: float) -> None:
        scale = abs(tm[3] * cm[3] + tm[2] * cm[1]) or 1.0
        height = tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
        for number, part in enumerate(text.split("\n")):
            if number:
                lines.extend(_joined(pieces))
                pieces.clear()
            pieces.append(_Line(without_controls(part), height, size * scale))

    check_deadline()
    page.extract_text(visitor_operand_before=check_deadline, visitor_text=collect)
    check_deadline()  # pypdf swallows errors raised within a form
    return [*lines, *_joined(pieces)]


def _joined(pieces: list[_Line]) -> Iterator[_Line]:
    """The pieces as one line, with height and size of the longest; nothing if it is blank."""
    text = " ".join("".join(piece.text for piece in pieces).split())
    if text:
        longest = max(pieces, key=lambda piece: len(piece.text.strip()))
        yield _Line(text, longest.height, longest.size)


def _paragraphs(lines: list[_Line]) -> Iterator[str]:
    if not lines:
        return
    gaps = [before.height - line.height for before, line in itertools.pairwise(lines)]
    usual_gap = statistics.median([gap for gap in gaps if gap > 0] or [0.0])
    longest = max(len(line.text) for line in lines)
    paragraph = lines[0].text
    for before, line in itertools.pairwise(lines):
        if _ends_paragraph(before, line, usual_gap, longest):
            yield paragraph
            paragraph = line.text
        else:
            paragraph = _continued(paragraph, line.text)
    yield paragraph


def _ends_paragraph(line: _Line, following: _Line, usual_gap: float, longest: int) -> bool:
    """Whether a paragraph ends with the line.

    A wrong cut after a full stop splits no sentence; elsewhere only another font size, a wide
    gap or a very short line counts.
    """
    sizes = sorted((line.size, following.size))
    gap = line.height - following.height
    if sizes[1] > _OTHER_SIZE * sizes[0] or (usual_gap and gap > _WIDE_GAP * usual_gap):
        return True
    if _STOP.search(line.text):
        return len(line.text) < _SHORT * longest
    return len(line.text) < _VERY_SHORT * longest and not following.text[0].islower()


def _continued(paragraph: str, line: str) -> str:
    """A paragraph and its next line, without a hyphen of the layout between them."""
    is_split_word = _HYPHENATED.search(paragraph) and line[0].islower()
    if is_split_word or paragraph.endswith("\u00ad"):
        return paragraph[:-1] + line
    return f"{paragraph} {line}"
