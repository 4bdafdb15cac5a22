"""Web pages: the article without the page, and only what the page really tells of itself."""

from __future__ import annotations

import datetime
import json

import pytest

from index.articles.article import Article, read_article
from index.errors import ArticleError
from tests.conftest import ROOT

NEWS = (ROOT / "tests" / "pages" / "news.html").read_bytes()
TEXT = "<p>Il treno blindato è partito da Pyongyang.</p>"


def page(head: str = "", body: str = TEXT, before: str = "", path: str = "a.html") -> Article:
    markup = f"{before}<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>"
    return read_article(markup.encode(), path)


def test_a_news_page_gives_its_article_and_nothing_around_it() -> None:
    text = read_article(NEWS, "news.html").text
    for sentence in (
        "Il leader nordcoreano Kim Jong-un è partito domenica sera dalla capitale a bordo del suo"
        " treno blindato, diretto verso la Russia, secondo quanto riferito da fonti del governo"
        " di Seul.",
        "«È più una fortezza che un treno», ha detto un funzionario.",
        "\n\nL’incontro di Vladivostok\n\nPutin e Kim dovrebbero",
        "Parleremo di tutto, senza fretta.",
    ):
        assert sentence in text
    for furniture in ("cookie", "Sport", "Leggi anche", "sagra", "Partita IVA", "dataLayer"):
        assert furniture not in text
    assert "\r" not in text and "\ufeff" not in text and "\n\n\n" not in text


def test_a_news_page_tells_title_outlet_day_address_and_language() -> None:
    stored = read_article(NEWS, "news.html")
    assert stored.title == 'Il treno blindato di Kim è partito da "Pyongyang"'
    assert stored.source == "Corriere del Lago"
    assert stored.date == "2023-09-11"
    assert stored.url == "https://www.corrieredellago.example/esteri/2023/09/12/treno-kim"
    assert stored.language == "it"


def test_reading_a_page_twice_gives_the_same() -> None:
    assert read_article(NEWS, "a.html") == read_article(NEWS, "a.html")


def test_what_a_page_does_not_tell_stays_unknown() -> None:
    stored = page(
        '<link rel="canonical" href="https://www.lago.example/2023/09/11/treno">'
        '<meta name="twitter:site" content="@lago"><meta name="last-modified" content="2023-09-11">'
        '<meta property="article:publisher" content="https://social.example/lago">',
        "<p>Pubblicato l’11 settembre 2023, il treno era già partito.</p>"
        "<time>12 settembre 2023</time><footer>© 2023</footer>",
    )
    assert (stored.date, stored.source, stored.language) == (None, None, None)
    assert stored.title.startswith("Pubblicato l’11 settembre 2023")


def linked(*things: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(list(things))}</script>'


def dated(day: str, **more: str) -> dict[str, str]:
    return {"@type": "NewsArticle", "datePublished": day, **more}


@pytest.mark.parametrize(
    ("head", "body", "day"),
    [
        (linked(dated("2023-09-11T22:00:00Z")), "", "2023-09-11"),
        ('<meta name="date" content="2023/09/11">', "", "2023-09-11"),
        ('<meta name="DC.date.issued" content="20230911">', "", "2023-09-11"),
        ('<meta name="pubdate" content="Mon, 11 Sep 2023 10:00:00 +0200">', "", "2023-09-11"),
        (
            "",
            '<time itemprop="datePublished" datetime="2023-09-11T10:00">ieri</time>',
            "2023-09-11",
        ),
        ("", '<time class="entry-date published" datetime="2023-09-11">x</time>', "2023-09-11"),
        ('<meta name="date" content="09/11/2023">', "", None),  # September or November
        ('<meta name="date" content="1970-01-01T00:00:00Z">', "", None),
        ('<meta name="date" content="presto">', "", None),
        ('<meta name="date" content="Mon, 11 Sep 2023 10:00 +999999999999">', "", "2023-09-11"),
        (linked(dated("2023-09-11"), dated("2023-09-12")), "", None),
        (
            '<link rel="canonical" href="https://x.example/b/">'
            + linked(dated("2023-09-11"), dated("2023-09-12", url="https://x.example/b")),
            "",
            "2023-09-12",
        ),
        (
            "",
            '<time itemprop="datePublished" datetime="2023-09-11">x</time>'
            '<time itemprop="datePublished" datetime="2023-09-12">y</time>',
            None,
        ),
        ('<script type="application/ld+json">{"@type": [</script>', "", None),
        ('<meta property="article:modified_time" content="2023-09-11">', "", None),
    ],
)
def test_a_date_is_the_one_that_the_page_tells(head: str, body: str, day: str | None) -> None:
    assert page(head, TEXT + body).date == day


ROME = '<meta property="og:locale" content="it_IT">'
PUBLISHED = '<meta property="article:published_time" content="{}">'
CARD = '<div class="card"><h3>Altro</h3><time datetime="2023-01-02">2 gennaio</time></div>'
TODAY = f"<p>{datetime.date.today().strftime('%d/%m/%Y')}</p>"


@pytest.mark.parametrize(
    ("head", "body", "day"),
    [
        (ROME + PUBLISHED.format("2023-09-10T22:00:00Z"), "", "2023-09-11"),
        (ROME + PUBLISHED.format("2023-12-10T23:00:00+00:00"), "", "2023-12-11"),
        (ROME + PUBLISHED.format("2023-09-11T00:00:00Z"), "", "2023-09-11"),
        (ROME + PUBLISHED.format("2023-09-10T23:30:00-05:00"), "", "2023-09-10"),
        (PUBLISHED.format("2023-09-10T22:00:00Z"), "", "2023-09-10"),
        (
            '<link rel="canonical" href="https://www.lago.it/a">'
            + PUBLISHED.format("2023-09-10T22:00:00Z"),
            "",
            "2023-09-11",
        ),
        (
            PUBLISHED.format("2023-09-11T02:00:00Z"),
            "<h1>Kim</h1><p>By Ada Neri, September 10, 2023</p>",
            "2023-09-10",
        ),
        (ROME, "<h1>Kim</h1><time datetime='2023-09-11'>ieri</time>" + CARD, "2023-09-11"),
        (ROME, "<h1>Kim</h1><p>11 settembre 2023</p>", "2023-09-11"),
        (ROME, "<h1>Kim</h1><div>di <b>Ada Neri</b> | 11.09.2023 - ore 10:30</div>", "2023-09-11"),
        (ROME, "<div><span>lunedì 11 set 2023</span><h1>Kim</h1></div>", "2023-09-11"),
        (
            ROME,
            "<h1>Kim</h1><p>Pubblicato il 11/09/2023, aggiornato il 13/09/2023</p>",
            "2023-09-11",
        ),
        (
            ROME,
            "<h1>Kim</h1><p>Aggiornato: <time datetime='2023-09-13'>mercoledì</time>"
            " Uscito: <time datetime='2023-09-11'>lunedì</time></p>",
            "2023-09-11",
        ),
        (ROME, f"<h1>Kim</h1>{TEXT}<p>Ultima modifica: 13/09/2023</p>", None),
        (ROME, f"{TODAY}<main><h1>Kim</h1>{TEXT}</main>", None),
        (ROME, f"<h1>Kim</h1>{TEXT}<aside>11/09/2023</aside>{CARD}", None),
        (ROME, f"<h1>Kim</h1><p>Il forum apre il 12 maggio 2023 a Lecco.</p>{TEXT}", None),
        (ROME, f"<h1>La strage del 2 agosto 2021</h1>{TEXT}", None),
        (ROME, f"<h1>Kim</h1><p>12 maggio 2199</p>{TEXT}", None),
        ("", f"<h1>Kim</h1><p>05/06/2023</p>{TEXT}", None),
    ],
)
def test_the_day_is_that_where_it_was_published(head: str, body: str, day: str | None) -> None:
    assert page(head, body + TEXT).date == day


@pytest.mark.parametrize(
    ("host", "names", "outlet"),
    [
        ("www.gazzettino.it", ["il Gazzettino", "Gazzettino.it", "Gazzettino Tv"], "Gazzettino"),
        ("video.gazzettino.it", ["Gazzettino TV", "www.gazzettino.it"], "Gazzettino"),
        ("www.lavoce.it", ["La Voce", "lavoce.it"], "La Voce"),
        ("gazzetta.example.it", ["La Gazzetta Online"], "Gazzetta"),
        ("corriere.it", ["Corriere della Sera"], "Corriere della Sera"),
        ("corrieredelmare.corriere.it", ["Corriere del Mare"], "Corriere del Mare"),
        ("news.sky.com", ["Sky News"], "Sky News"),
        ("www.gelocal.it", ["Il Tirreno"], "Il Tirreno"),
    ],
)
def test_an_outlet_has_one_name(host: str, names: list[str], outlet: str) -> None:
    for name in names:
        stored = page(
            f'<link rel="canonical" href="https://{host}/a"><title>Kim parte - La Voce</title>'
            f'<meta property="og:title" content="Kim parte - {name}">'
            f'<meta property="og:site_name" content="{name}">'
        )
        assert (stored.source, stored.title) == (outlet, "Kim parte")


def test_what_a_list_of_articles_tells_is_of_none() -> None:
    listed = [dated("2023-09-11", headline="Altro", publisher="Lago"), dated("2023-09-12")]
    stored = page(linked(*listed))
    assert (stored.title, stored.source) == ("Il treno blindato è partito da Pyongyang.", None)
    stored = page(linked(listed[0]))
    assert (stored.title, stored.source) == ("Altro", "Lago")


def test_titles_and_outlets_are_on_one_line_without_controls() -> None:
    stored = page(
        '<meta property="og:title"'
        ' content="Kim\n parte&amp;#8217;s &#x202e;oggi&#7; | Lago &amp; Monti">'
        '<meta property="og:site_name" content="Lago &amp; Monti">'
    )
    assert stored.title == "Kim parte’s oggi" and stored.source == "Lago & Monti"


def test_a_front_matter_wins_over_the_page() -> None:
    stored = page(
        '<meta property="og:title" content="Della pagina"><meta name="date" content="2023-09-11">',
        before='---\ntitle: "Del file"\nsource: Lago\n---\n',
    )
    assert (stored.title, stored.source, stored.date) == ("Del file", "Lago", "2023-09-11")
    assert stored.text == "Il treno blindato è partito da Pyongyang."


def test_inline_marks_do_not_part_words_and_line_breaks_stay() -> None:
    body = (
        "<div>Il <b>tre</b>no <a href=x>blin<i>dato</i></a>,\n qui.<br>Riga due.<br><br>"
        "Il viaggio è finito.</div>"
    )
    assert page(body=body).text == "Il treno blindato, qui.\nRiga due.\n\nIl viaggio è finito."


@pytest.mark.parametrize(
    "body",
    [
        "",
        '<nav><a href="/a">Home</a><a href="/b">Sport</a></nav><footer>Chi siamo</footer>',
        '<div id="root"></div><noscript>You need to enable JavaScript to run this app.</noscript>',
        '<div class="cookie-banner"><p>Accetta i cookie</p></div>',
        "<div>" * 5000 + "Il treno è partito.",
        "<i></i>" * 60_000 + TEXT,
    ],
)
def test_a_page_without_an_article_says_so(body: str) -> None:
    with pytest.raises(
        ArticleError,
        match=r"no article was found|only asks for|more than 50000 elements|nested more",
    ):
        page(body=body)


ITALIAN, POLISH = "Perché è così? La città costa 5 €.", "Łódź jest piękna."


@pytest.mark.parametrize(
    ("encoding", "mark", "words"),
    [
        ("utf-8", '<meta charset="utf-8">', ITALIAN + POLISH),
        ("utf-8", "", ITALIAN + POLISH),
        ("utf-8-sig", '<meta charset="iso-8859-1">', ITALIAN),
        ("utf-16", "", ITALIAN + POLISH),
        ("iso-8859-2", '<META http-equiv="Content-Type" content="a; charset=ISO-8859-2">', POLISH),
        ("cp1252", '<meta charset="ISO-8859-1">', ITALIAN),
        ("cp1252", "", ITALIAN),
        ("cp1252", '<meta charset="none-such">', ITALIAN),
        ("cp1252", '<meta charset="utf-8">', ITALIAN),  # it errs
        ("utf-8", '<meta charset="zlib">', ITALIAN),
        ("cp1252", '<meta charset="undefined">', ITALIAN),
    ],
)
def test_a_page_is_read_in_its_encoding(encoding: str, mark: str, words: str) -> None:
    markup = (
        f"<?xml version='1.0' encoding='koi8-r'?><html><head>{mark}</head><p>{words}</p></html>"
    )
    assert read_article(markup.encode(encoding), "a.htm").text == words
