"""Articles are added from the web and from files, whole, once, and never over another."""

from __future__ import annotations

import hashlib
import json
import resource
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.terminal.maintenance import Addition, add_feed
from index.articles.add import (
    FIELDS,
    Adder,
    AddResult,
    Catalogue,
    KnownArticle,
    compose,
    file_stem,
    write_new,
)
from index.articles.article import read_article
from index.articles.web.feeds import read_feed
from index.articles.web.fetch import Fetcher
from index.building.sync import Report
from index.errors import ArticleError, CorpusError, FetchError
from index.generations.known import known_articles
from index.generations.pointer import write_lock
from index.text.clean import one_line
from tests.conftest import ROOT, Workplace
from tests.office import mail
from tests.pdf import lines, pdf
from tests.test_cli import fails
from tests.web import Page, Site, site

NEWS = (ROOT / "tests" / "pages" / "news.html").read_bytes()
ADDRESS = "https://www.corrieredellago.example/esteri/2023/09/12/treno-kim"
NAME = "2023-09-11-il-treno-blindato-di-kim-e-partito-da-pyongyang.txt"
ALLOWED = {"VIRGOLETTE_FETCH_ALLOW": "127.0.0.1"}


@pytest.fixture
def web() -> Iterator[Site]:
    with site() as running:
        running.pages["/news"] = Page(NEWS)
        yield running


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


def adder(corpus: Path, folder: str = "", max_bytes: int = 1_000_000, **told: str) -> Adder:
    return Adder(corpus, Fetcher(["127.0.0.1"], max_bytes, seconds=10), told, folder)


def files(corpus: Path) -> dict[str, str]:
    """Everything in the folder, hidden files too."""
    found = [file for file in corpus.rglob("*") if file.is_file()]
    return {f.relative_to(corpus).as_posix(): f.read_bytes().decode() for f in found}


def front_matter(text: str) -> dict[str, str]:
    return dict(yaml.load(text.split("---\n")[1], Loader=yaml.BaseLoader))  # noqa: S506


def test_a_page_becomes_a_text_with_what_it_tells(web: Site, corpus: Path) -> None:
    assert adder(corpus).add(web.url("/news")) == AddResult(web.url("/news"), "added", NAME)
    ((name, content),) = files(corpus).items()
    assert name == NAME
    assert front_matter(content) == {
        "title": 'Il treno blindato di Kim è partito da "Pyongyang"',
        "source": "Corriere del Lago",
        "date": "2023-09-11",
        "url": ADDRESS,
        "language": "it",
    }
    assert read_article(content.encode(), name).text == read_article(NEWS, "a.html").text


def test_what_the_user_says_wins_and_an_empty_value_takes_away(web: Site, corpus: Path) -> None:
    told = {"title": "Altro: \x1b[31mtitolo\n", "date": "2024-02-03", "url": "", "source": "S"}
    asia = Adder(corpus, Fetcher(["127.0.0.1"]), told, "esteri/asia")
    outcome = asia.add(web.url("/news"))
    assert outcome.path == "esteri/asia/2024-02-03-altro-31mtitolo.txt"
    assert front_matter(files(corpus)[outcome.path]) == {
        "title": "Altro: [31mtitolo", "source": "S", "date": "2024-02-03", "language": "it",
    }  # fmt: skip


def test_a_page_that_tells_no_address_has_that_it_came_from(web: Site, corpus: Path) -> None:
    web.pages["/solo"] = Page("<p>Il treno è partito.</p>")
    web.redirect("/old", "/solo#top")
    outcome = adder(corpus).add(web.url("/old"))
    assert outcome.path == "il-treno-e-partito.txt"
    assert files(corpus)[outcome.path] == f"---\nurl: {web.url('/solo')}\n---\nIl treno è partito."


PAGE = "<html lang=it><link rel=canonical href='{}'><h1>{}</h1><p>{}</p>"


@pytest.mark.parametrize("shared", ["/", "/a.php", "/cronaca/", "/cronaca/due", "/altro"])
def test_pages_that_share_an_address_are_stored_each(web: Site, corpus: Path, shared: str) -> None:
    paths = ["/a.php?id=1", "/a.php?id=2", "/cronaca/uno", "/cronaca/due", "/cronaca/"]
    for path in paths:
        text = f"Il treno {path} è partito da Pavia."
        web.pages[path] = Page(PAGE.format(web.url(shared), path, text))
    urls = [web.url(path) for path in paths]
    links = "".join(f"<item><link>{url}</link></item>" for url in urls)
    web.pages["/feed"] = Page(f"<rss><channel>{links}</channel></rss>", "text/html")
    for state in ("added", "known"):
        outcomes = list(adder(corpus).add_feed(web.url("/feed")))
        assert [outcome.state for outcome in outcomes] == [state] * 5
    stored = [front_matter(files(corpus)[str(outcome.path)])["url"] for outcome in outcomes]
    assert stored == urls


def test_an_address_on_another_host_is_of_the_first_text(web: Site, corpus: Path) -> None:
    for path in ("/uno", "/due", "/tre"):
        text = f"Il treno {path} è partito." if path != "/tre" else "Il treno /due è partito."
        web.pages[path] = Page(PAGE.format("https://demo.example/tema", "Treni", text))
    outcomes = [adder(corpus).add(web.url(path)) for path in ("/uno", "/due", "/tre")]
    assert [outcome.state for outcome in outcomes] == ["added", "added", "known"]
    stored = [front_matter(files(corpus)[str(o.path)])["url"] for o in outcomes]
    assert stored == ["https://demo.example/tema", web.url("/due"), web.url("/due")]


def test_the_same_address_is_known_whatever_it_says_by_now(web: Site, corpus: Path) -> None:
    own = web.url("/a", host="localhost")
    page = Page(PAGE.format(own, "Treni", "Il treno è partito."))
    web.pages |= dict.fromkeys(("/a", "/a?utm_source=rss", "/a?utm_medium=x"), page)
    web.redirect("/corto", "/a?utm_source=rss")
    first = adder(corpus).add(web.url("/a?utm_source=rss"))
    assert first.state == "added" and front_matter(files(corpus)[str(first.path)])["url"] == own
    page.body = PAGE.format(own, "Treni", "Il treno è arrivato.")
    for path in ("/a", "/a?utm_medium=x", "/corto"):
        assert adder(corpus).add(web.url(path)).state == "known"


def test_an_article_that_leads_to_the_home_page_is_gone(web: Site, corpus: Path) -> None:
    web.pages["/"] = Page(PAGE.format("/", "Oggi", "Il municipio apre alle nove."))
    web.redirect("/vecchio", "/")
    with pytest.raises(FetchError, match="it leads to the site's home page"):
        adder(corpus).add(web.url("/vecchio"))
    assert adder(corpus).add(web.url("/")).state == "added"


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-16", "unknown"])
def test_utf_8_is_utf_8_whatever_the_server_says(web: Site, corpus: Path, charset: str) -> None:
    web.pages["/"] = Page(
        "<p>La città è là: così è più bella.</p>", f"text/html; charset={charset}"
    )
    path = adder(corpus).add(web.url()).path
    assert "La città è là: così è più bella." in files(corpus)[str(path)]


@pytest.mark.parametrize("meta", ["<meta charset='iso-8859-1'>", "", "<meta charset='utf-8'>"])
def test_letters_decide_where_the_server_announces_utf_8(
    web: Site, corpus: Path, meta: str
) -> None:
    text = "La città è là: perché non è più così bella? È già l’ora."
    web.pages["/"] = Page(f"{meta}<p>{text}</p>".encode("cp1252"), "text/html; charset=utf-8")
    added = adder(corpus).add(web.url())
    assert text in files(corpus)[str(added.path)]
    assert bool(added.notes) == ("iso" not in meta), "a guess is named"


def test_a_binary_page_is_refused_whatever_the_server_says(web: Site, corpus: Path) -> None:
    web.pages["/"] = Page(b"<p>Il ponte\0\1\2 riapre.</p>\0\0", "text/html; charset=iso-8859-1")
    with pytest.raises(ArticleError, match="it is a binary file"):
        adder(corpus).add(web.url())
    assert files(corpus) == {}


def test_what_is_very_large_is_bounded(web: Site, corpus: Path) -> None:
    title = "parola " * 1_500
    web.pages["/a"] = Page(f"<title>{title}</title><p>Il treno è partito.</p>")
    links = "".join(f"<item><link>/{number}</link></item>" for number in range(2_000))
    item = f"<item><title>{title}</title><link>/a</link></item>"
    web.pages["/feed"] = Page(f"<rss><channel>{item}{links}</channel></rss>", "text/xml")
    addition = add_feed(adder(corpus), web.url("/feed"))
    ((name, content),) = files(corpus).items()
    assert len(name) < 100 and len(front_matter(content)["title"]) <= 500
    lines = list(addition.lines())
    assert len(lines) == 52 and all(len(line) < 300 for line in lines)
    assert "1001 more entries are new" in str(addition.outcomes[-1].reason)


def test_the_encoding_that_the_server_tells_counts(web: Site, corpus: Path) -> None:
    body = "<meta charset='utf-8'><p>Łódź jest piękna.</p>".encode("iso-8859-2")
    web.pages["/"] = Page(body, "text/html; charset=iso-8859-2")
    assert adder(corpus).add(web.url()).path == "odz-jest-piekna.txt"
    assert "Łódź jest piękna." in files(corpus)["odz-jest-piekna.txt"]


def test_files_of_every_kind_are_added(corpus: Path, tmp_path: Path) -> None:
    contents = {
        "a.html": NEWS,
        "b.pdf": pdf(
            lines("Il forum si apre a Vladivostok lunedì."), title="Il forum di settembre"
        ),
        "c.md": b"---\nsource: Lago\nauthor: Ada\n---\n# Il *ponte*\n\nApre a Lecco.",
        "d.txt": b"Un testo senza altro.\r\n",
        "e.TXT": b"---",
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    added = [adder(corpus).add(str(tmp_path / name)).path for name in contents]
    assert added == [
        NAME, "il-forum-di-settembre.txt", "il-ponte.md", "un-testo-senza-altro.txt", "article.txt",
    ]  # fmt: skip
    found = files(corpus)
    assert found["il-forum-di-settembre.txt"] == (
        "---\ntitle: Il forum di settembre\n---\nIl forum si apre a Vladivostok lunedì."
    )
    assert found["il-ponte.md"] == "---\nsource: Lago\n---\n# Il *ponte*\n\nApre a Lecco."
    assert found["un-testo-senza-altro.txt"] == "Un testo senza altro.\n"
    assert read_article(found["article.txt"].encode(), "a.txt").text == "---"


def test_each_mail_of_a_box_is_an_article(corpus: Path, tmp_path: Path) -> None:
    box = tmp_path / "lettere.mbox"
    border = b"From a@b.it Mon Sep 11 00:30:00 2023\n"
    mails = mail("Uno.", subject="Il ponte"), mail("Due.", subject="La piazza"), b"Subject: x\n\n"
    box.write_bytes(b"".join(border + each + b"\n" for each in mails))
    states = [(result.state, result.path) for result in adder(corpus).add_mailbox(box)]
    assert states == [
        ("added", "2023-09-11-il-ponte.txt"),
        ("added", "2023-09-11-la-piazza.txt"),
        ("failed", None),
    ]
    assert "source: Il Taro" in files(corpus)["2023-09-11-il-ponte.txt"]


def test_what_is_there_is_told_and_not_written(web: Site, corpus: Path, tmp_path: Path) -> None:
    (corpus / "mio.md").write_text(f"---\nurl: {ADDRESS}#x\n---\nTesto mio.")
    secure = ADDRESS.replace("www.corrieredellago.example", "WWW.CorriereDelLago.example:443")
    assert adder(corpus).add(secure).path == "mio.md"  # nor asked for
    copy = tmp_path / "copia.txt"
    copy.write_text("---\ntitle: Altro\nurl: https://x.example/\n---\nTesto mio.")
    assert adder(corpus).add(str(copy)) == AddResult(str(copy), "known", "mio.md")
    assert list(files(corpus)) == ["mio.md"] and web.asked == []


def test_names_do_not_collide_nor_overwrite(corpus: Path, tmp_path: Path) -> None:
    paths = []
    for number in range(3):
        (tmp_path / "a.txt").write_text(f"---\ntitle: Kim\n---\nTesto {number}.")
        paths.append(adder(corpus).add(str(tmp_path / "a.txt")).path)
    assert paths == ["kim.txt", "kim-2.txt", "kim-3.txt"]
    assert [files(corpus)[str(path)][-2] for path in paths] == ["0", "1", "2"]


def test_writers_at_the_same_time_get_names_of_their_own(corpus: Path) -> None:
    together = threading.Barrier(8)

    def write(number: int) -> None:
        together.wait()
        write_new(corpus, "kim", ".txt", b"%d" % number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = files(corpus)
    assert sorted(found) == sorted(["kim.txt", *(f"kim-{n}.txt" for n in range(2, 9))])
    assert sorted(found.values()) == [str(number) for number in range(8)]


@pytest.mark.parametrize(
    ("title", "date", "stem"),
    [
        ("Perché l’incontro «a Seul»?", "2023-09-11", "2023-09-11-perche-l-incontro-a-seul"),
        ("../../etc/passwd", None, "etc-passwd"),
        (".hidden", "2023-09-11T10:00:00", "2023-09-11-hidden"),
        ("Кремль", None, "article"),
        ("x" * 500, None, "x" * 80),
        ("parola " * 50, None, "-".join(["parola"] * 11)),
    ],
)
def test_names_are_plain(title: str, date: str | None, stem: str) -> None:
    assert file_stem(title, date) == stem


@given(st.text(), st.sampled_from([None, "2023-09-11"]))
def test_any_title_gives_a_plain_short_name(title: str, date: str | None) -> None:
    stem = file_stem(title, date)
    assert stem.isascii() and stem.replace("-", "").isalnum() and len(stem) <= 80


@given(st.text(min_size=1))
def test_any_title_comes_back_from_the_file(title: str) -> None:
    told = one_line(title)
    stored = read_article(compose({"title": told}, "--- testo\n---\n"), "a.txt")
    assert stored.text == "--- testo\n---\n"
    assert stored.title == (told or "--- testo")
    assert not any(ord(character) < 32 for character in stored.title)


@pytest.mark.parametrize(
    "title",
    [
        "Dice: \"Sì\", poi 'no' # ecco",
        "No",
        "007",
        "2023-09-11",
        "- a: [b",
        "👩‍🚀 è là",
        "---",
        "{x}",
    ],
)
def test_titles_that_yaml_would_read_otherwise_come_back(title: str) -> None:
    fields = dict.fromkeys(("title", "source"), title)
    stored = read_article(compose(fields, "Testo."), "a.txt")
    assert (stored.title, stored.source, stored.text) == (title, title, "Testo.")
    assert set(fields) < set(FIELDS)


def test_a_text_that_looks_like_a_front_matter_stays_text() -> None:
    text = "---\ntitle: Finto\n---\nTesto."
    assert read_article(compose({}, text), "a.txt").text == text


@pytest.mark.parametrize("folder", ["..", "../altro", "/tmp", "fuori", ".nascosta", "a/../../b"])  # noqa: S108
def test_folders_out_of_the_corpus_are_refused(corpus: Path, tmp_path: Path, folder: str) -> None:
    (corpus / "fuori").symlink_to(tmp_path)
    with pytest.raises(CorpusError, match=r"is not in the corpus|is hidden"):
        adder(corpus, folder)


def test_what_cannot_be_added_says_why_and_leaves_nothing(
    web: Site, corpus: Path, tmp_path: Path
) -> None:
    web.pages["/empty"] = Page("<nav><a href='/'>Home</a></nav>")
    (tmp_path / "a.xlsx").write_text("x")
    (tmp_path / "big.txt").write_text("x" * 200)
    for origin, error, reason in (
        (web.url("/empty"), ArticleError, "/empty was not added: no article was found"),
        (web.url("/none"), FetchError, "404 Not Found"),
        ("http://10.0.0.1/", FetchError, "no public address"),
        (str(tmp_path / "a.xlsx"), ArticleError, r"\.xlsx is not read: save it as \.txt"),
        (str(tmp_path / "none.txt"), ArticleError, "no file .*https://"),
        (str(tmp_path), ArticleError, "no file"),
        (str(tmp_path / "big.txt"), ArticleError, "larger than 0.0001 MB: VIRGOLETTE_MAX_FILE_MB"),
    ):
        with pytest.raises(error, match=reason):
            adder(corpus, max_bytes=100 if "big" in origin else 10_000).add(origin)
    assert files(corpus) == {}
    with pytest.raises(CorpusError, match="there is no corpus folder"):
        adder(corpus / "none")


def test_the_catalogue_passes_over_what_is_no_article(corpus: Path) -> None:
    (corpus / "a.txt").write_text("---\n[\n---\n")
    (corpus / "b.txt").write_text("---\nurl: https://x.example\n---\nUno.")
    (corpus / "c.txt").write_text("Lungo. " * 100)
    catalogue = Catalogue(corpus, 500, {})
    assert catalogue.with_url("HTTPS://X.example:443/#a") == "b.txt"
    assert catalogue.with_url("https://x.example/?a") is None
    assert catalogue.with_url("https://x.example:x/") is None
    assert catalogue.with_text(read_article(b"Uno.", "z.txt").sha256) == "b.txt"
    assert catalogue.with_text(read_article(b"Lungo. " * 100, "z.txt").sha256) is None


def test_what_the_index_knows_of_a_file_is_not_read_again(
    corpus: Path, data_dir: Path, tmp_path: Path
) -> None:
    known = known_articles(data_dir)
    assert len(known) == len(list((ROOT / "corpus").iterdir()))
    for file in (ROOT / "corpus").iterdir():
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert known[digest].sha256 == read_article(file.read_bytes(), file.name).sha256
    (corpus / "a.txt").write_bytes(b"Uno.")
    other = KnownArticle("0" * 64, "https://x.example/uno")
    catalogue = Catalogue(corpus, 500, {hashlib.sha256(b"Uno.").hexdigest(): other})
    assert catalogue.with_url("https://x.example/uno") == "a.txt"
    assert known_articles(tmp_path / "none") == {}


RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>Lago</title>
<item><title>Treno &amp;amp; forum</title><link>/uno</link>
<pubDate>Mon, 11 Sep 2023 23:30:00 +0200</pubDate></item>
<item><title>Di nuovo</title><link>/uno</link></item>
<item><title>La notizia</title><link>{news}</link></item>
<item><title>Senza indirizzo</title></item>
<item><title>Sparita</title><link>{gone}</link></item>
<item><title>Vietata</title><link>http://10.0.0.1/</link></item>
</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Lago</title>
<entry><title>Uno</title><link href="{news}"/><published>2023-09-10T10:00:00Z</published></entry>
</feed>"""


def test_a_feed_is_added_entry_by_entry(web: Site, corpus: Path) -> None:
    web.pages["/uno"] = Page("<p>Il forum apre lunedì a Vladivostok.</p>")
    rss = RSS.format(news=web.url("/news"), gone=web.url("/gone"))
    web.pages["/feed"] = Page(rss, "application/rss+xml")
    first = list(adder(corpus, source="Lago").add_feed(web.url("/feed")))
    assert [(o.state, o.path) for o in first] == [
        ("added", "2023-09-11-treno-forum.txt"),
        ("added", NAME),
        ("failed", None),
        ("failed", None),
    ]
    assert "404" in str(first[2].reason) and "no public address" in str(first[3].reason)
    assert front_matter(files(corpus)["2023-09-11-treno-forum.txt"]) == {
        "title": "Treno & forum", "source": "Lago", "date": "2023-09-11", "url": web.url("/uno"),
    }  # fmt: skip
    again = list(adder(corpus).add_feed(web.url("/feed")))
    assert [o.state for o in again] == ["known", "known", "failed", "failed"]
    assert len(files(corpus)) == 2
    web.pages["/atom"] = Page(ATOM.format(news=web.url("/news")), "application/atom+xml")
    assert [o.path for o in adder(corpus).add_feed(web.url("/atom"))] == [NAME]


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("Tue, 15 Nov 2022 23:15:04 Z", "2022-11-16"),
        ("dom, 12 giu 2022 15:58:02 GMT", "2022-06-12"),
        ("Tue, 18 Sept 2018 15:53:56 +0300", "2018-09-18"),
        ("03/05/2022 15:58", "2022-05-03"),
    ],
)
def test_a_feed_gives_days_and_titles_as_people_write_them(
    web: Site, corpus: Path, date: str, day: str
) -> None:
    item = f"<title>&lt;b&gt;Kim&lt;/b&gt; &amp;amp; Putin</title><pubDate>{date}</pubDate>"
    feed = f"<rss><channel><language>it-IT</language><item><link>/a</link>{item}"
    web.pages |= {"/feed": Page(feed, None), "/a": Page("<p>Il forum apre a Lecco.</p>")}
    (outcome,) = adder(corpus).add_feed(web.url("/feed"))
    assert front_matter(files(corpus)[str(outcome.path)]) == {
        "title": "Kim & Putin", "date": day, "url": web.url("/a"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (Page("<rss></rss>", "text/xml"), "no feed with articles"),
        (Page("/etc/passwd", "text/xml"), "no feed with articles"),
        (Page("<rss>" + "<div>" * 400_000, "text/xml"), "more than 300000 tags"),
        (Page(NEWS, "text/html"), "of the type text/html"),
        (Page(NEWS, "text/xml"), "of the type text/html"),
    ],
)
def test_what_is_no_feed_says_so(web: Site, corpus: Path, page: Page, reason: str) -> None:
    web.pages["/feed"] = page
    with pytest.raises(FetchError, match=reason):
        list(adder(corpus, max_bytes=5_000_000).add_feed(web.url("/feed")))


def test_a_disk_that_fills_in_the_middle_of_a_feed_is_the_last_outcome(
    web: Site, corpus: Path
) -> None:
    web.pages["/uno"] = Page("<p>Il forum apre lunedì a Vladivostok.</p>")
    web.pages["/news"] = Page(f"<p>{'Il treno è partito. ' * 200}</p>")
    rss = RSS.format(news=web.url("/news"), gone=web.url("/gone"))
    web.pages["/feed"] = Page(rss, "application/rss+xml")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        addition = add_feed(adder(corpus), web.url("/feed"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (told,) = addition.as_json()["added"]
    assert list(files(corpus)) == [told["path"]]
    assert [outcome.state for outcome in addition.outcomes] == ["added", "failed"]
    with pytest.raises(CorpusError, match="cannot write"):
        addition.raise_error()


def test_what_was_added_is_told_though_another_process_indexed_it() -> None:
    outcomes = tuple(AddResult(path, "added", path) for path in ("a.txt", "b.txt"))
    report = Report(("b.txt", "c.txt"), (), (), (), (), (), 1, "g", 3, unchanged=False)
    lines = list(Addition(outcomes, report).lines())
    assert [line.split()[-1] for line in lines[:-1]] == ["a.txt", "b.txt", "c.txt"]


def test_the_command_adds_waits_for_another_writer_indexes_and_tells(
    web: Site, empty_place: Workplace
) -> None:
    place = empty_place
    place.environment.update(ALLOWED)
    held = threading.Event()

    def hold() -> None:
        with write_lock(place.data):
            held.set()
            wait_for_files(place.corpus)
            time.sleep(1)  # the article is there, and its index waits

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    done = place.run("add", web.url("/news"))
    holder.join()
    assert (done.returncode, done.stderr) == (0, "")
    assert f"+ added    {NAME}" in done.stdout and "articles in the index: 1" in done.stdout
    added = front_matter(files(place.corpus)[NAME])
    assert (added["url"], added["date"]) == (ADDRESS, "2023-09-11")
    assert "treno" in place.run("show", NAME).stdout
    again = place.run("add", web.url("/news"))
    assert again.returncode == 0 and again.stderr == ""
    assert again.stdout == f"  = unchanged {NAME}\n"
    (known,) = place.json("add", "--json", web.url("/news"))
    same = {"origin": web.url("/news"), "path": NAME}
    assert known == {
        "added": [], "changed": [], "unchanged": [{**same, "notes": []}], "withdrawn": [],
        "known": [same], "failed": [], "index": None,
    }  # fmt: skip
    assert list(files(place.corpus)) == [NAME]


def test_the_command_adds_a_feed_in_json(web: Site, empty_place: Workplace) -> None:
    empty_place.environment.update(ALLOWED)
    rss = RSS.format(news=web.url("/news"), gone=web.url("/gone"))
    web.pages["/feed"] = Page(rss, "application/rss+xml")
    (told,) = empty_place.json("add", "--feed", web.url("/feed"), "--into", "feed", "--json")
    assert [added["path"] for added in told["added"]] == [f"feed/{NAME}"]
    assert len(told["failed"]) == 3 and told["index"]["added"] == [f"feed/{NAME}"]
    web.pages.pop("/news")
    (empty_place.corpus / "feed" / NAME).unlink()
    done = empty_place.run("add", "--feed", web.url("/feed"))
    assert done.returncode == 1 and "nothing of" in done.stderr
    assert done.stdout.count("! ") == 4


def test_the_command_refuses_in_one_line(web: Site, empty_place: Workplace) -> None:
    fails(empty_place.run("add", web.url("/news")), 1, "127.0.0.1", "VIRGOLETTE_FETCH_ALLOW")
    small = {**ALLOWED, "VIRGOLETTE_MAX_FILE_MB": "0.001"}
    fails(empty_place.run("add", web.url("/news"), **small), 1, "0.001 MB: VIRGOLETTE_MAX_FILE_MB")
    fails(empty_place.run("add", "none.html"), 1, "no file none.html")
    fails(empty_place.run("add", "none.html", "--into", ".."), 1, "not in the corpus")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a.txt", "--feed", "https://x.example/"),
        ("--feed", "https://x.example/", "--title", "x"),
        ("a.txt", "--date", "ieri"),
        ("a.txt", "--url", "javascript:x"),
    ],
)
def test_wrong_usage_is_told(empty_place: Workplace, arguments: tuple[str, ...]) -> None:
    done = empty_place.run("add", *arguments)
    assert done.returncode == 2 and "Traceback" not in done.stderr and done.stderr


def test_when_the_index_fails_the_article_stays(empty_place: Workplace) -> None:
    (empty_place.path / "a.txt").write_text("Il treno è partito.")
    (empty_place.path / "none").mkdir()
    done = empty_place.run("add", "a.txt", "--json", VIRGOLETTE_EMBEDDING_MODEL="none")
    assert done.returncode == 1 and json.loads(done.stdout)["index"] is None
    assert "il-treno-e-partito.txt was added to the corpus, but the index failed" in done.stderr
    assert list(files(empty_place.corpus)) == ["il-treno-e-partito.txt"]


def test_a_signal_ends_it_cleanly(empty_place: Workplace) -> None:
    (empty_place.path / "a.txt").write_text("Il treno è partito.")
    with TemporaryFile() as out, write_lock(empty_place.data):  # it waits to index
        process = empty_place.start("add", "a.txt", stdin=out.fileno(), stdout=out, stderr=out)
        wait_for_files(empty_place.corpus)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143


def wait_for_files(corpus: Path) -> None:
    end = time.monotonic() + 60
    while not files(corpus) and time.monotonic() < end:
        time.sleep(0.05)


@pytest.mark.parametrize(
    "item",
    [
        "<title>&#xD800;</title><link>https://a.example/1</link>",
        "<title>&#x11FFFF;</title><link>https://a.example/1</link>",
        "<title>&#99999999999999999999;</title><link>https://a.example/1</link>",
    ],
)
def test_a_feed_with_characters_that_there_are_not_is_named(item: str) -> None:
    feed = f"<rss version='2.0'><channel><item>{item}</item></channel></rss>"
    with pytest.raises(FetchError, match="no feed that can be read"):
        read_feed(feed.encode(), "https://a.example/rss")


def test_a_link_that_is_no_address_is_left_out() -> None:
    links = "http://a℀b/", "https://a.example/1"
    items = "".join(f"<item><title>t</title><link>{link}</link></item>" for link in links)
    feed = f"<rss version='2.0'><channel>{items}</channel></rss>"
    content = read_feed(feed.encode(), "https://a.example/rss")
    assert [entry.url for entry in content.entries] == ["https://a.example/1"]
