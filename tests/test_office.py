"""Documents of office programs, e-books, mails and saved pages: what is text in them."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from index.articles.article import read_article
from index.articles.formats import read_document
from index.errors import ArticleError
from tests.office import docx, epub, mail, odt, paragraph, table, word_run, zipped
from tests.pdf import lines, pdf

ROWS = (("Comune", "Abitanti"), ("Bardi", "2.100"), ("Berceto", "1.900"))
READ_ROWS = ["Comune: Bardi · Abitanti: 2.100", "Comune: Berceto · Abitanti: 1.900"]


def blocks(data: bytes, name: str) -> list[str]:
    return read_document(data, name).text.split("\n\n")


def test_a_word_document_is_read_as_it_stands() -> None:
    body = (
        paragraph(
            "Il ponte ",
            f"<w:del>{word_run('vecchio').replace('w:t', 'w:delText')}</w:del>",
            f"<w:ins>{word_run('nuovo')}</w:ins>",
            " di Bardi",
            '<w:r><w:footnoteReference w:id="1"/></w:r>',
            " riapre",
            word_run(" nascosto", "<w:vanish/>"),
            '<w:r><w:commentReference w:id="1"/></w:r>',
            ": è lungo 10",
            word_run("2", '<w:vertAlign w:val="superscript"/>'),
            " metri.",
        )
        + table(*ROWS)
        + paragraph("Un piano socio", "<w:r><w:noBreakHyphen/></w:r>", "economico.")
    )
    data = docx(body, footnote="Lo dice la Regione.", title="Il ponte")
    assert blocks(data, "a.docx") == [
        "Il ponte nuovo di Bardi riapre: è lungo 10² metri.",
        *READ_ROWS,
        "Un piano socio‑economico.",
        "Lo dice la Regione.",
    ]
    article = read_article(data, "a.docx")
    assert (article.title, article.date) == ("Il ponte", None)


def test_an_opendocument_text_is_read_as_it_stands() -> None:
    rows = "".join(
        f"<table:table-row>{''.join(f'<table:table-cell><text:p>{c}</text:p></table:table-cell>' for c in row)}</table:table-row>"  # noqa: E501
        for row in ROWS
    )
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>tolto</text:p>"
        "</text:deletion></text:changed-region></text:tracked-changes>"
        "<text:h>Il ponte</text:h><text:p>Il <text:span>ponte</text:span><text:s/>di Bardi"
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>Lo dice la "
        "Regione.</text:p></text:note-body></text:note> riapre<office:annotation><text:p>commento"
        "</text:p></office:annotation>.</text:p>"
        f"<table:table>{rows}</table:table>"
        "<text:list><text:list-item><text:p>Primo punto.</text:p></text:list-item></text:list>"
    )
    assert blocks(odt(body), "a.odt") == [
        "Il ponte", "Il ponte di Bardi riapre.", *READ_ROWS, "Primo punto.", "Lo dice la Regione.",
    ]  # fmt: skip
    assert read_article(odt(body, title="Bardi, il ponte"), "a.odt").title == "Bardi, il ponte"


RTF = rb"""{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Times;}}{\info{\title La citt\'e0}}
{\header Testatina}\pard La citt\'e0 \u8220?riapre\u8221?{\v nascosto}{\rtlch\deleted tolto}:
 10{\super 3} metri.\par
\trowd\cellx1\cellx2 Comune\cell Abitanti\cell\row Bardi\cell 2.100\cell\row
Berceto\cell 1.900\cell\row\pard Fine.\par}"""


def test_rich_text_is_read_without_what_it_hides() -> None:
    assert blocks(RTF, "a.rtf") == ["La città “riapre”: 10³ metri.", *READ_ROWS, "Fine."]
    assert read_article(RTF, "a.rtf").title == "La città"


def test_footnotes_of_rich_text_stand_at_the_end() -> None:
    marked = (
        rb"{\rtf1\ansi La diga{\footnote\pard\plain {\super\chftn} Dati del {\i 2023}.}"
        rb" riapre.{\*\footnote{\super\chftn}\pard Lo dice la Regione.}\par Fine.\par}"
    )
    notes = ["Dati del 2023.", "Lo dice la Regione."]
    assert blocks(marked, "a.rtf") == ["La diga riapre.", "Fine.", *notes]


def test_an_e_book_is_read_in_its_order_without_navigation() -> None:
    told = (
        "<dc:title>Valli</dc:title><dc:publisher>Edizioni del Taro</dc:publisher>"
        "<dc:date>2023-05-06T00:00:00Z</dc:date><dc:language>it</dc:language>"
    )
    data = epub("<nav>Indice</nav>", "<h1>Uno</h1><p>Prima.</p>", "<p>Poi.</p>", metadata=told)
    assert blocks(data, "a.epub") == ["Uno", "Prima.", "Poi."]
    book = read_article(data, "a.epub")
    assert (book.title, book.source, book.date) == ("Valli", "Edizioni del Taro", "2023-05-06")


NEWS = (
    '<div style="display:none">Anteprima</div><table><tr><td><h1>Il ponte riapre</h1>'
    "<p>Il ponte di Bardi riapre lunedì.</p></td></tr></table>"
)


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (mail("Apri nel browser.", NEWS), ["Il ponte riapre", "Il ponte di Bardi riapre lunedì."]),
        (mail("Il ponte di Bardi, che è chiuso da nove mesi per\nlavori, riapre.\n\n-- \nA."),
         ["Il ponte di Bardi, che è chiuso da nove mesi per lavori, riapre."]),
        (mail("> Il ponte?\nRiapre lunedì."), ["Il ponte?\nRiapre lunedì."]),
    ],
    ids=["newsletter", "wrapped", "quoted"],
)  # fmt: skip
def test_a_mail_is_an_article_of_its_sender(data: bytes, read: list[str]) -> None:
    assert blocks(data, "a.eml") == read
    article = read_article(data, "a.eml")
    assert (article.title, article.source, article.date) == ("Il ponte", "Il Taro", "2023-09-11")


def test_encoded_headers_and_old_charsets_are_read() -> None:
    subject = "=?iso-8859-1?Q?La_citt=E0?="
    data = mail("Caff=E8, dice.".replace("=E8", "\x00"), subject=subject, sender="a@b.it")
    data = data.replace(b"utf-8", b"iso-8859-1").replace(b"\x00", b"\xe8")
    article = read_article(data, "a.eml")
    assert (article.title, article.source, article.text) == ("La città", None, "Caffè, dice.")


def test_a_box_of_mails_is_one_text() -> None:
    border = b"From a@b.it Mon Sep 11 00:30:00 2023\n"
    box = border + mail("Uno.", subject="Primo") + b"\n" + border + mail("Due.\n>From qui.")
    assert blocks(box, "a.mbox") == ["Primo", "Uno.", "Il ponte", "Due.\nFrom qui."]


@pytest.mark.parametrize(
    "border",
    ["From ", "From - Mon Jul 11 12:08:34 2011", "From ada  Fri, Jul 01 09:13:09 1994 PST"],
)
def test_mails_begin_where_a_border_and_a_header_are(border: str) -> None:
    mails = ("Subject: Uno\n\nDice.\n\nFrom qui si vede il ponte.\n", "Subject: Due\n\nAltro.\n")
    box = "\n".join(f"{border}\n{each}" for each in mails).encode()
    assert blocks(box, "a.mbox") == ["Uno", "Dice.", "From qui si vede il ponte.", "Due", "Altro."]


def test_a_saved_page_is_the_article_of_its_page() -> None:
    page = (
        "<html><head><title>Il ponte</title></head><body><article><p>Il ponte di Bardi riapre "
        "lunedì dopo nove mesi di lavori, dice la Regione. Costa due milioni di euro.</p>"
        "</article></body></html>"
    )
    saved = (
        "From: <Saved by Blink>\nSnapshot-Content-Location: https://example.org/ponte\n"
        'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="b"\n\n--b\n'
        f"Content-Type: text/html; charset=utf-8\n\n{page}\n--b--\n"
    )
    article = read_article(saved.encode(), "a.mhtml")
    assert article.url == "https://example.org/ponte"
    assert "riapre lunedì" in article.text


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (RTF, "a.doc"),
        (docx(paragraph("Il ponte riapre.")), "a.odt"),
        (docx(paragraph("Il ponte riapre.")), "a.doc"),
        (pdf(lines("Il ponte riapre.")), "a.txt"),
        (b"<html><body><article><p>Il ponte di Bardi riapre.</p></article></body></html>", "a.doc"),
    ],
)
def test_contents_are_believed_over_names(data: bytes, name: str) -> None:
    assert "riapre" in read_document(data, name).text


LAUGHS = (
    '<!DOCTYPE d [<!ENTITY a "ah"><!ENTITY b "&a;&a;">]><w:document xmlns:w="w">&b;</w:document>'
)
FILE = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/hostname">]><w:document>&a;</w:document>'


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (zipped({"word/document.xml": LAUGHS}), "a.docx", "entities"),
        (zipped({"word/document.xml": FILE}), "a.docx", "entities"),
        (zipped({"word/document.xml": b" " * 40_000_000}), "a.docx", "more than 30 MB"),
        (docx(paragraph("Testo."))[:300], "a.docx", "damaged or cut off"),
        (b"non un documento", "a.docx", "damaged or cut off"),
        (zipped({"ppt/presentation.xml": "<p/>"}), "a.docx", "archive of another kind"),
        (b"\xd0\xcf\x11\xe0" + bytes(600), "a.doc", "old format"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "a.docx", "locked"),
        (b"solo testo", "a.rtf", "no .rtf"),
        (b"senza righe", "a.mbox", "no box of mails"),
        (mail("x").replace(b"multipart/alternative", b"multipart/encrypted"), "a.eml", "encrypted"),
    ],
)
def test_what_is_not_read_says_why(data: bytes, name: str, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        read_document(data, name)


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"{\\rtf1 {" + b"\\v " * 200_000, "a.rtf"),
        (b"{\\rtf1 " + b"\\{" * 200_000, "a.rtf"),
        (b"Subject: " + b"=?utf-8?q?a?= " * 200_000 + b"\n\nCiao.", "a.eml"),
        (docx("<w:p>" * 200 + "</w:p>" * 200), "a.docx"),
    ],
    ids=["controls", "braces", "header", "nested"],
)
def test_hostile_documents_take_little_time(data: bytes, name: str) -> None:
    started = time.monotonic()
    with suppress(ArticleError):
        read_document(data, name)
    assert time.monotonic() - started < 10
