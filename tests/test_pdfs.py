"""PDFs: their text in paragraphs, and a reason for each that gives none."""

from __future__ import annotations

import io
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from index.articles.article import read_article
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


def rewritten(data: bytes, password: str | None = None, owner: str = "o") -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    if password is not None:
        writer.encrypt(password, owner, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_pdf_that_only_forbids_printing_is_read() -> None:
    assert "blindato" in read_pdf(rewritten(pdf(lines(*PARAGRAPH)), "")).text


GOOD = pdf(lines(*PARAGRAPH))
BOMB = zlib.compress(zlib.compress(b" " * 200_000_000))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pdf([]), "only pictures"),
        (assemble([]), "only pictures"),
        (rewritten(GOOD, "segreto"), "locked"),
        (b"", "damaged PDF"),
        (b"<html>non un PDF</html>", "damaged PDF"),
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


LONG = b"BT /F1 11 Tf " + b"1 0 0 1 60 700 Tm (testo) Tj " * 30_000 + b"ET"


@pytest.mark.slow
@pytest.mark.parametrize("data", [assemble([LONG]), assemble([b"/Fm Do"], form=LONG)])
def test_time_is_limited(data: bytes) -> None:
    with pytest.raises(ArticleError, match="took too long"):
        read_pdf(data, seconds=0.2)


def test_what_a_form_draws_is_read() -> None:
    drawn = b"BT /F1 11 Tf 60 700 Td (Il treno va.) Tj ET"
    assert read_pdf(assemble([b"/Fm Do"], form=drawn)).text == "Il treno va."


@given(st.data())
def test_damage_anywhere_is_an_article_error_or_nothing(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD) - 1))
    junk = data.draw(st.binary(max_size=20))
    try:
        text = read_pdf(GOOD[:at] + junk + GOOD[at + len(junk) :], seconds=5).text
    except ArticleError:
        return
    assert text.encode()  # no lone surrogates
