"""PDFs: their text in paragraphs, and a reason for each that gives none."""

from __future__ import annotations

import io
import os
import sys
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from index.articles.article import read_article
from index.articles.pdf.extraction import extract
from index.articles.pdfs import read_pdf
from index.errors import ArticleError
from index.text.sentences import sentences
from tests.pdf import assemble, lines, pdf

PARAGRAPH = (
    "Il leader nordcoreano è partito domenica sera dalla capitale a",
    "bordo del suo treno blindato, diretto verso la Russia. Lo hanno",
    "detto fonti del governo di Seul, che seguono il convo-",
    "glio da vicino.",
)
SECOND = (
    "Il viaggio dura oltre venti ore. Putin e Kim s'incontrano a",
    "margine del forum economico di Vladivostok.",
)
TITLE = (60.0, 820.0, 20.0, "Il treno di Kim")


def test_lines_become_paragraphs_and_pages_are_apart() -> None:
    first = [TITLE, *lines(*PARAGRAPH, *SECOND)]
    text = read_pdf(pdf(first, lines("Seconda pagina (breve)."))).text
    assert text.split("\n\n") == [
        "Il treno di Kim",
        "Il leader nordcoreano è partito domenica sera dalla capitale a bordo del suo treno "
        "blindato, diretto verso la Russia. Lo hanno detto fonti del governo di Seul, che seguono "
        "il convoglio da vicino.",
        "Il viaggio dura oltre venti ore. Putin e Kim s'incontrano a margine del forum economico "
        "di Vladivostok.",
        "Seconda pagina (breve).",
    ]
    assert len(sentences(text)) == 6


def test_a_gap_parts_paragraphs_and_a_second_column_goes_on() -> None:
    left = lines("Il treno è partito dalla capitale e ha", "viaggiato per tutta la notte verso il")
    right = [
        (320.0, 780.0, 11.0, "confine, dove lo attendevano le auto del"),
        (320.0, 766.0, 11.0, "governo russo e una banda militare con"),
        (320.0, 740.0, 11.0, "Didascalia della foto che sta più in basso"),
    ]
    text = read_pdf(pdf([*left, *right])).text
    assert text.split("\n\n") == [
        "Il treno è partito dalla capitale e ha viaggiato per tutta la notte verso il confine, "
        "dove lo attendevano le auto del governo russo e una banda militare con",
        "Didascalia della foto che sta più in basso",
    ]


def test_larger_letters_are_a_heading_of_their_own() -> None:
    heading = (60.0, 794.0, 18.0, "Il treno blindato di Kim parte nella notte da Pyongyang verso")
    assert read_pdf(pdf([heading, *lines(*PARAGRAPH)])).text.split("\n\n")[0] == heading[3]


@pytest.mark.parametrize(
    ("told", "title"),
    [
        ("Kim parte\nper la Russia", "Kim parte per la Russia"),
        ("", "Il treno di Kim"),
        ("Microsoft Word - treno def 2.docx", "Il treno di Kim"),
        ("pagina 12.indd", "Il treno di Kim"),
        ("untitled", "Il treno di Kim"),
        ("Documento1", "Il treno di Kim"),
    ],
)
def test_a_title_is_the_files_own_or_the_first_line(told: str, title: str) -> None:
    stored = read_article(pdf([TITLE, *lines(*PARAGRAPH)], title=told), "a.pdf")
    assert stored.title == title
    assert (stored.date, stored.source, stored.url) == (None, None, None)  # nor its making's date


GOOD = pdf(lines(*PARAGRAPH))


def locked(data: bytes, password: str, algorithm: str = "AES-256") -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    writer.encrypt(password, "owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_pdf_that_only_forbids_printing_is_read(algorithm: str) -> None:
    assert "blindato" in read_pdf(locked(GOOD, "", algorithm)).text


BOMB = zlib.compress(zlib.compress(b" " * 200_000_000))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pdf([]), "only pictures"),
        (assemble([]), "damaged PDF"),
        (locked(GOOD, "segreto"), "locked"),
        (b"", "damaged PDF"),
        (b"<html>non un PDF</html>", "no article"),
        (GOOD[:200], "damaged PDF"),
        (GOOD.replace(b"/Kids [5 0 R]", b"/Kids [2 0 R]"), "damaged PDF|only pictures"),
        (GOOD.replace(b"/Contents 6", b"/Contents 9"), "only pictures"),
    ],
    ids=["blank", "no pages", "password", "empty", "html", "cut", "circle", "no content"],
)  # fmt: skip
def test_what_gives_no_text_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        read_article(data, "a.pdf")


def test_a_bomb_is_damaged_and_soon_told() -> None:
    bomb = GOOD.replace(b"/Length", b"/Filter [/FlateDecode /FlateDecode] /Length")
    start = bomb.index(b"stream\n") + len(b"stream\n")
    bomb = bomb[:start] + BOMB + bomb[bomb.index(b"\nendstream") :]
    started = time.monotonic()
    with pytest.raises(ArticleError):
        read_pdf(bomb)
    assert time.monotonic() - started < 10


PICTURE = b"q 300 0 0 60 50 740 cm BI /W 400 /H 1 /BPC 8 /CS /G ID " + b" A" * 200 + b" EI Q"
SCAN = assemble([PICTURE])
OCRMYPDF = """#!{python}
import pathlib, sys
if "ita" in sys.argv:
    pathlib.Path(sys.argv[-1]).write_bytes(pathlib.Path({read!r}).read_bytes())
else:
    sys.exit("the language ita+eng is not installed")
"""


@pytest.fixture
def ocrmypdf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of this name that puts the text of this file below the pictures."""
    read, program = tmp_path / "read.pdf", tmp_path / "ocrmypdf"
    program.write_text(OCRMYPDF.format(python=sys.executable, read=str(read)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return read


def test_a_scan_is_read_by_ocrmypdf_and_a_note_says_so(ocrmypdf: Path) -> None:
    ocrmypdf.write_bytes(GOOD)
    document = read_pdf(SCAN)
    assert "blindato" in document.text and "wrong letters" in document.notes[0]
    ocrmypdf.write_bytes(SCAN)
    with pytest.raises(ArticleError, match="ocrmypdf read none"):
        read_pdf(SCAN)


def test_a_scan_names_the_program_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ArticleError, match="install ocrmypdf"):
        read_pdf(SCAN)
    drawn = b"BT /F1 11 Tf 60 700 Td (Il treno va.) Tj ET"
    document = read_pdf(assemble([drawn, PICTURE]))
    assert document.text == "Il treno va."
    assert document.notes == ("these pages are only pictures, and were not read: 2",)


def test_time_is_limited() -> None:
    with pytest.raises(ArticleError, match="took too long"):
        read_pdf(GOOD, seconds=0.001)


def test_what_a_form_draws_is_read() -> None:
    drawn = b"BT /F1 11 Tf 60 700 Td (Il treno va.) Tj ET"
    assert read_pdf(assemble([b"/Fm Do"], form=drawn)).text == "Il treno va."


@given(st.data())
def test_damage_anywhere_is_an_article_error_or_nothing(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD) - 1))
    junk = data.draw(st.binary(max_size=20))
    found = extract(GOOD[:at] + junk + GOOD[at + len(junk) :])
    assert found.text.encode() or found.trouble or not found.text  # no lone surrogates
