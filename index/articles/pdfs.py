"""Reads PDFs: their text by PDFium, and that of scans by OCRmyPDF if it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from index.articles.document import Document
from index.articles.pdf.extraction import TEXT_LIMIT, Extract
from index.articles.pdf.hyphens import with_whole_words
from index.errors import ArticleError
from index.text.clean import one_line, without_controls

TIME_LIMIT = 60.0  # seconds for one file
_RECOGNITION_LIMIT = 600.0  # seconds for one scan
_LANGUAGES = ("ita+eng", "ita", "")  # that OCRmyPDF reads; "" for its default
_NO_TITLE = re.compile(
    r"untitled|senza titolo|document[o]?\d*|microsoft (word|powerpoint) - .*|"
    r"present(ation|azione).*\.?\d*|[^ ]*|.*\.(docx?|odt|rtf|indd|qxd|qxp|pdf|tex|dvi|pptx?|txt)",
    re.IGNORECASE,
)
_TROUBLES = {
    "locked": "it is locked: save a copy without the password",
    "damaged": "it is a damaged PDF: open it in a viewer and print it as a new PDF",
    "memory": "reading it took too much memory: print it as a new PDF, or split it",
    "time": "reading it took too long: print it as a new PDF, or split it",
    "long": f"it holds more than {TEXT_LIMIT} characters: split it",
    "unreadable": "the PDF does not say which letters it draws: install ocrmypdf, which reads them",
}
_SCAN = "it holds no text, only pictures of it: install ocrmypdf, which reads them"
_RECOGNIZED = "its text was read from pictures by ocrmypdf: it may contain wrong letters"
_NAMED = 10  # pages in a note
_STILL_NO_TEXT = "it holds no text, only pictures, and ocrmypdf read none in them"


def read_pdf(data: bytes, seconds: float = TIME_LIMIT) -> Document:
    """The text of a PDF, and its title if it has one.

    An empty line separates paragraphs. A space joins the lines of a paragraph. OCRmyPDF, if it is
    installed, reads pages that are pictures. Raises ArticleError if the file is damaged, locked
    or has no text, or if it takes longer than ``seconds`` without OCRmyPDF.
    """
    found = _extract(data, seconds)
    notes: tuple[str, ...] = ()
    if found.trouble == "unreadable" or (not found.trouble and (found.pictures or not found.text)):
        found, notes = _with_recognized(data, found, seconds)
    if found.trouble:
        raise ArticleError(_TROUBLES[found.trouble])
    if not found.text:
        raise ArticleError(_STILL_NO_TEXT)
    text = without_controls(with_whole_words(found.text))
    title = one_line(found.title)
    known = title and len(title) <= 300 and not _NO_TITLE.fullmatch(title)
    return Document(text, {"title": title} if known else {}, notes)


def _extract(data: bytes, seconds: float) -> Extract:
    """What another process finds in the file; see there."""
    command = [sys.executable, "-P", "-m", "index.articles.pdf.extraction"]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return Extract(trouble="time")
    if done.returncode == 0:
        return Extract(**json.loads(done.stdout))
    return Extract(trouble="memory" if b"MemoryError" in done.stderr else "damaged")


def _with_recognized(data: bytes, found: Extract, seconds: float) -> tuple[Extract, tuple[str]]:
    """The extract with the text of pictures, and a note; without it, if the file has other text."""
    try:
        return _extract(_recognized(data, found), seconds), (_RECOGNIZED,)
    except ArticleError:
        if not found.text:
            raise
    pages = ", ".join(map(str, found.pictures[:_NAMED])) + (" …" if found.pictures[_NAMED:] else "")
    return found, (f"these pages are only pictures, and were not read: {pages}",)


def _recognized(data: bytes, found: Extract) -> bytes:
    """The PDF with the text that OCRmyPDF reads in it. Raises ArticleError if there is none."""
    program = shutil.which("ocrmypdf")
    if program is None:
        raise ArticleError(_TROUBLES.get(found.trouble, _SCAN))
    options = ["--quiet", "--output-type", "pdf", "--invalidate-digital-signatures"]
    options.append("--force-ocr" if found.trouble else "--skip-text")
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "before.pdf"), Path(folder, "after.pdf")
        before.write_bytes(data)
        deadline = time.monotonic() + _RECOGNITION_LIMIT
        for language in _LANGUAGES:
            languages = ["--language", language] if language else []
            error = _run([program, *options, *languages, str(before), str(after)], deadline)
            if after.exists():
                return after.read_bytes()
    raise ArticleError(f"it holds only pictures of text, and ocrmypdf failed: {error}")


def _run(command: Sequence[str], deadline: float) -> str:
    """Run a program until the deadline; the last line of what it says."""
    seconds = max(1.0, deadline - time.monotonic())
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=seconds, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return one_line(str(getattr(error, "strerror", "") or "it took too long"))
    lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
    return one_line(lines[-1])[:200]
