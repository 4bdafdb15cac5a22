"""Extracts the text of a PDF, as a process of its own.

PDFium is not safe in threads, and nothing but the end of its process stops it at a page that takes
hours or all memory. The file is the standard input; the standard output is an ``Extract`` as JSON.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from index.articles.pdf.paragraphs import text_of
from index.articles.pdf.words import UNREADABLE, Word, seen_words

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

MEMORY_LIMIT = 1_500_000_000  # bytes
TEXT_LIMIT = 5_000_000  # characters: some thousand pages
_UNREADABLE_SHARE = 0.3  # of the letters: more make no text


@dataclass(frozen=True)
class Extract:
    """What a PDF holds: its title, its text, and the numbers of the pages that are only pictures.

    ``trouble`` names what stops reading it: "locked", "damaged", "long", "unreadable" or "".
    """

    title: str = ""
    text: str = ""
    pictures: list[int] = field(default_factory=list)
    trouble: str = ""


def extract(data: bytes) -> Extract:
    """The text of the PDF in these bytes."""
    from pypdfium2 import PdfDocument, PdfiumError, raw

    try:
        document = PdfDocument(data)
        pages, pictures = _pages(document)
    except PdfiumError as error:
        locked = getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD
        return Extract(trouble="locked" if locked else "damaged")
    letters = "".join(word.text for page in pages for word in page)
    if len(letters) > TEXT_LIMIT:
        return Extract(trouble="long")
    if letters.count(UNREADABLE) > _UNREADABLE_SHARE * len(letters):
        return Extract(trouble="unreadable")
    return Extract(document.get_metadata_value("Title"), text_of(pages), pictures)


def _pages(document: PdfDocument) -> tuple[list[list[Word]], list[int]]:
    """The words by page and direction, and the numbers of the pages that are only pictures.

    The text in the fields of a form belongs to its page.
    """
    from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

    words, pictures = [], []
    has_form = document.get_formtype() > 0
    if has_form:
        document.init_forms()
    for number in range(len(document)):
        page = document[number]
        if has_form:
            page.flatten()
            page = document[number]
        seen = seen_words(page)
        words.extend(seen)
        if not seen and any(page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE])):
            pictures.append(number + 1)
    return words, pictures


def _limit_memory() -> None:
    with suppress(ImportError, ValueError, OSError):  # not everywhere
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def main() -> None:
    """Read a PDF from the standard input and write its extract."""
    _limit_memory()
    found = extract(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
