"""The article in a page: nothing of it is lost, and nothing else is kept."""

from __future__ import annotations

import json
import time

import pytest

from index.articles.article import read_article
from index.articles.files import scan
from index.errors import ArticleError
from tests.conftest import ROOT
from tests.layouts import gold_pages


def text(body: str, head: str = "") -> str:
    markup = f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"
    return read_article(markup.encode(), "a.html").text


@pytest.mark.parametrize("half", ["tune", "held"])
def test_layouts_of_news_sites_keep_their_article_and_little_else(half: str) -> None:
    kept, junk, lines, sentences = 0.0, 0, 0, 0
    for page in gold_pages(half, seed=3):
        stored = read_article(page.markup.encode(), "a.html").text
        kept += page.kept(stored) * len(page.article)
        sentences += len(page.article)
        junk += len(page.junk(stored))
        lines += len(stored.split("\n\n"))
    assert kept / sentences >= 0.99
    assert junk / lines <= 0.02


FIRST = "Il porto di Osimo Marina ha accolto nel 2023 oltre trecento pescherecci."
SECOND = "La presidente Ada Rinaldi ha annunciato un molo nuovo entro il 2026."
THIRD = "I lavori costeranno duecento milioni di euro, in parte europei."
WHOLE = [FIRST, SECOND, THIRD]


@pytest.mark.parametrize(
    "body",
    [
        "<div itemprop=articleBody>{}<br><br><div id=adv-mid></div>{}<br><br>{}</div>",
        "<div class=story>{}<div class=banner>Pubblicità</div>{}<p>{}</p></div>",
        "<article><p>{}<p><b>{}<p>{}</article>",
        "<article><p>{}</p><p>La <a href=/a>presidente</a> <a href=/b>Ada Rinaldi</a> <a href=/c>ha"
        " annunciato</a> un <a href=/d>molo nuovo entro il 2026</a>.</p><p>{}</p></article>",
        "<header><h2 class=sommario>{}</h2></header><section><p>{}</p><p>{}</p></section>",
        "<div><div class=first><p>{}</p></div><div><section><p>{}</p></section></div></div>"
        "<div class=second><section><p>{}</p></section></div>",
        "<main><ul><li>{}</li><li>{}</li><li>{}</li></ul></main>",
        "<article><font><i><font><b>" * 90 + "{}<br>{}<br>{}",
    ],
)
def test_nothing_that_a_reader_sees_as_the_article_is_lost(body: str) -> None:
    stored = text(
        "<h1>Il porto cresce</h1>"
        + body.format(*(WHOLE if body.count("{}") == 3 else [FIRST, THIRD]))
    )
    assert [line for line in stored.split("\n") if line] == ["Il porto cresce", *WHOLE]


def test_what_json_ld_has_completes_a_page_that_shows_only_the_beginning() -> None:
    body = json.dumps({"@type": "NewsArticle", "articleBody": " ".join(WHOLE)})
    head = f'<title>Il porto cresce</title><script type="application/ld+json">{body}</script>'
    wall = "<div class=wall><p>Abbonati a 1 euro al mese per continuare a leggere.</p></div>"
    shown = f"<h1>Il porto cresce</h1><p>{FIRST}</p>{wall}"
    assert text(shown, head) == "Il porto cresce\n\n" + " ".join(WHOLE)
    assert text("<div id=app></div>", head) == " ".join(WHOLE)
    other = f"<article><p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p></article>"
    assert text(other, head) == "\n\n".join(WHOLE)


JUNK = """
<p class=byline>di Bruno Salis</p><span class=date>5 marzo 2023 alle 10:30</span>
<div class=player>In riproduzione…</div><article class=testo><p>{}</p>
<div class=correlati><p>Leggi anche</p>
<a href=/k>Chiude il mercato coperto dopo dieci anni</a></div>
<p>{}</p><div class=box-newsletter><p>Iscriviti alla newsletter per ricevere le notizie.</p></div>
<p>{} © RIPRODUZIONE RISERVATA</p><div class=share><span>Condividi</span><span>Facebook</span></div>
</article><footer><p>Editrice Osimo S.p.A. - P.IVA 01234567890</p></footer>
"""


def test_what_a_site_puts_around_an_article_is_not_stored() -> None:
    assert text("<h1>Il porto cresce</h1>" + JUNK.format(*WHOLE)) == "\n\n".join(
        ["Il porto cresce", *WHOLE]
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "<main><h1>Pagina non trovata</h1><p>La pagina che cerchi non c’è più o è stata"
            " spostata altrove. Torna alla prima pagina o fai una ricerca.</p></main>",
            "no such article",
        ),
        (
            "<div class=modal><p>Noi e i nostri 87 partner usiamo cookie e altre tecnologie. Puoi"
            " accettare o rifiutare il consenso in ogni momento.</p></div>",
            "consent to cookies",
        ),
        ("<p>Please verify that you are not a robot to continue to the site.</p>", "the browser"),
        (
            "<article><h1>Il porto</h1><p>Questo articolo è riservato agli abbonati. Abbonati per"
            " continuare a leggere.</p></article>",
            "a subscription",
        ),
        (
            "<footer><p>Editrice Osimo S.p.A. Testata registrata al Tribunale di Ancona. Tutti i"
            " diritti riservati.</p></footer>",
            "no article was found",
        ),
        (
            "<main><h1>Osimo Editor</h1><ul><li><a href=/a>Scopri le novità</a></li></ul></main>"
            "<footer><a href=/p>Privacy</a> <a href=/c>Cookies</a></footer>",
            "no article was found",
        ),
    ],
)
def test_a_page_that_holds_no_article_says_why(body: str, reason: str) -> None:
    with pytest.raises(ArticleError, match=reason):
        text(body)


def test_a_page_that_leads_on_names_the_address() -> None:
    refresh = '<meta http-equiv="refresh" content="0; url=/nuovo.html">'
    with pytest.raises(ArticleError, match=r"leads on to /nuovo.html"):
        text("<p>Se non succede niente, premi qui.</p>", refresh)


def test_hidden_text_is_no_text() -> None:
    hidden = "Testo di prova: la presidente si dimette."
    marks = ("<p hidden>", '<p style="display: none">', '<p style="color:red;visibility:hidden">',
             '<p aria-hidden="true">')  # fmt: skip
    body = "".join(f"{mark}{hidden}</p>" for mark in marks)
    body += f"<template><p>{hidden}</p></template><noscript><p>{hidden}</p></noscript>"
    body += f"<dialog><p>{hidden}</p></dialog><amp-ad><p>{hidden}</p></amp-ad>"
    assert text(f"<article><p>{FIRST}</p>{body}<p>{SECOND}</p></article>") == f"{FIRST}\n\n{SECOND}"


@pytest.mark.parametrize(
    ("markup", "words"),
    [
        ("di 10<sup>3</sup> metri", "di 10³ metri"),
        ("di 40 m<sup>2</sup> in più", "di 40 m² in più"),
        ("di CO<sub>2</sub> in meno", "di CO2 in meno"),
        ("di 71.437 ettari<sup>1</sup> di bosco", "di 71.437 ettari di bosco"),
        ("di 71.437<sup>1</sup> ettari", "di 71.437 ettari"),
        ("di 62<sup><a href=#n>[2]</a></sup> barche", "di 62 barche"),
        ("al 5<sup>th</sup> molo", "al 5th molo"),
    ],
)
def test_no_figure_arises_from_what_stands_above_the_line(markup: str, words: str) -> None:
    assert text(f"<p>Il porto di Osimo cresce {markup}, dice l’ente.</p>") == (
        f"Il porto di Osimo cresce {words}, dice l’ente."
    )


def test_rows_of_a_table_have_their_columns_headings() -> None:
    table = """<table><caption>I prezzi di marzo</caption>
    <tr><th>Città</th><th>Latte</th><th>Pane</th></tr>
    <tr><td>Osimo</td><td>1,65</td><td>3,10</td></tr>
    <tr><td rowspan=2>Jesi</td><td>1,70</td><td>3,00</td></tr>
    <tr><td>1,72</td><td>3,05</td></tr></table>"""
    assert text(f"<article><p>{FIRST}</p>{table}<p>{SECOND}</p></article>").split("\n\n")[1:-1] == [
        "I prezzi di marzo",
        "Città: Osimo · Latte: 1,65 · Pane: 3,10",
        "Città: Jesi · Latte: 1,70 · Pane: 3,00",
        "Città: Jesi · Latte: 1,72 · Pane: 3,05",
    ]


def test_a_heading_over_all_columns_of_a_table_stands_above_it() -> None:
    table = """<table><tr><th colspan=2>Prezzi di marzo</th></tr>
    <tr><td>Osimo</td><td>1,65</td></tr><tr><td>Jesi</td><td>1,70</td></tr></table>"""
    stored = text(f"<article><p>{FIRST}</p>{table}<p>{SECOND}</p></article>").split("\n\n")
    assert stored[1:-1] == ["Prezzi di marzo", "Osimo · 1,65", "Jesi · 1,70"]


def test_short_items_of_a_list_are_kept() -> None:
    items = "<ul><li>Biglietto intero: 8 euro</li><li>Biglietto ridotto: 4 euro</li></ul>"
    stored = text(f"<h1>Il porto</h1><article><p>{FIRST}</p>{items}<p>{SECOND}</p></article>")
    assert "Biglietto intero: 8 euro\n\nBiglietto ridotto: 4 euro" in stored


def test_a_live_blog_begins_with_its_headline_and_keeps_its_times() -> None:
    posts = f"<div class=post><time>18:40</time><h3>Treni fermi</h3><p>{FIRST}</p></div>"
    posts += f"<div class=post><time>17:10</time><p>{SECOND}</p></div>"
    head = "<title>Maltempo, la diretta</title>"
    assert text(f"<h1>Maltempo, la diretta</h1><article>{posts}</article>", head) == (
        f"Maltempo, la diretta\n\n18:40 Treni fermi\n\n{FIRST}\n\n17:10 {SECOND}"
    )


def test_preformatted_lines_stay_lines() -> None:
    notice = "COMUNE DI OSIMO\nL’acqua sarà tolta martedì 3 dicembre\nin via Roma e in via Po."
    assert text(f"<h1>Avviso</h1><pre>{notice}</pre>").endswith(notice)


def test_an_encoding_is_found_late_and_only_in_markup() -> None:
    script = "<script>" + "a = '<meta charset=koi8-r>';" * 400 + "</script>"
    page = f'{script}<meta charset="iso-8859-2"><p>Łódź jest piękna, mówi prezydent miasta.</p>'
    assert read_article(page.encode("iso-8859-2"), "a.html").text.startswith("Łódź jest piękna")


@pytest.mark.parametrize(
    ("markup", "reason"),
    [
        ("<div>" * 100_000 + f"<p>{FIRST}", "nested more than 2000 deep"),
        (f"<p>{FIRST}</p>" * 100_000, "more than 50000 elements"),
        ("<p>" + "parola " * 1_000_000 + ".</p>", ""),
        ("<!--" * 200_000, "no article was found"),
        (f"<p>{FIRST}</p>" * 20_000, ""),
    ],
)
def test_hostile_pages_take_bounded_time(markup: str, reason: str) -> None:
    began = time.monotonic()
    try:
        text(markup)
    except ArticleError as error:
        assert reason and reason in str(error) and "\n" not in str(error)
    assert time.monotonic() - began < 20


def test_the_files_of_a_saved_page_belong_to_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "Il porto.html").write_text(f"<p>{FIRST}</p>")
    for folder in ("Il porto_files", "altro_files"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "frame.html").write_text(f"<p>{SECOND}</p>")
    troubles = {file.path: file.trouble for file in scan(tmp_path, 1000)}
    assert troubles == {
        "Il porto.html": "",
        "Il porto_files": "it holds the parts of the saved page beside it",
        "altro_files/frame.html": "",
    }


def test_news_page_of_the_samples_is_whole() -> None:
    stored = read_article((ROOT / "tests" / "pages" / "news.html").read_bytes(), "a.html").text
    assert stored.startswith("Il treno blindato di Kim è partito da “Pyongyang”\n\nIl leader")
