"""Known addresses are looked at again: what has changed, what was withdrawn, what is no article."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from bot.feeds.due import next_visit
from bot.feeds.politeness import Politeness
from bot.feeds.revisiting import Revisitor
from bot.feeds.schedule import DAY, Schedule
from bot.feeds.store import FeedStore, feed_store
from bot.feeds.visits import Visitor
from bot.feeds.workers import Workers
from index.articles.add import Adder, AddResult, Catalogue
from index.articles.article import read_article
from index.articles.versions.correction import EDITED, NOT_ITS_PAGE, Corrector
from index.articles.versions.history import MOST_VERSIONS, History
from index.articles.web.fetch import Fetcher
from index.building.sync import sync
from index.errors import ArticleError, FetchError
from index.generations.layout import Locations
from index.models.embedder import Embedder
from tests.conftest import ITALIAN, Workplace
from tests.web import Page, Site, site

ALLOWED = {"VIRGOLETTE_FETCH_ALLOW": "127.0.0.1"}
NOON, HOUR = 1_800_000_000.0, 3600.0
NAME = "2024-05-12-il-ponte-sul-lago.txt"
TEXT = "Il ponte sul lago costa {} milioni di euro, dice il sindaco. I lavori cominciano a marzo."
PAGE = (
    "<html lang=it><title>Il ponte sul lago</title><aside class=ad><a href=/x>{ad}</a></aside>"
    "<h1>Il ponte sul lago</h1><p class=date>{day}</p><article><p>{text}</p>"
    "<p>La gara è stata vinta da un’impresa di Como. Le tribune avranno ottomila posti.</p>"
    "</article></html>"
)


def page(price: int = 12, ad: str = "Compra scarpe", day: str = "12 maggio 2024") -> Page:
    return Page(PAGE.format(text=TEXT.format(price), ad=ad, day=day))


@pytest.fixture
def web() -> Iterator[Site]:
    with site() as running:
        running.pages["/ponte"] = page()
        yield running


@dataclass
class Place:
    """A corpus whose articles are looked at again at a time that the test tells."""

    store: FeedStore
    corpus: Path
    history: History
    now: float = NOON
    slept: list[float] = field(default_factory=list)

    def visitor(self) -> Visitor:
        rules = Fetcher(("127.0.0.1",))
        schedule, workers = Schedule(now=lambda: self.now, chance=lambda: 0.5), Workers()
        polite = Politeness(self.store, rules, schedule, workers, self.slept.append)
        fetcher = Fetcher(("127.0.0.1",), 1_000_000, 5.0, polite.turn)
        corrector = Corrector(self.corpus, self.history)

        def catalogue() -> Catalogue:
            return Catalogue(self.corpus, 1_000_000, {})

        store = self.store.revisits
        revisitor = Revisitor(store, corrector, fetcher, catalogue, lambda: self.now)
        adder = Adder(self.corpus, fetcher, {}, whole=True)
        return Visitor(self.store, fetcher, schedule, lambda: adder, workers, revisitor)

    def add(self, url: str) -> None:
        visitor = self.visitor()
        assert visitor.revisitor
        visitor.revisitor.register(visitor.adder().add(url))

    def look(self, url: str) -> AddResult:
        visitor = self.visitor()
        assert visitor.revisitor
        return visitor.revisitor.look(url, NAME)

    def after(self, seconds: float) -> list[str]:
        """What became of the articles that are due so much later."""
        self.now += seconds
        return [result.state for result in self.visitor().revisit()]

    def text(self, name: str = NAME) -> str:
        return read_article((self.corpus / name).read_bytes(), name).text


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    (tmp_path / "corpus").mkdir()
    with feed_store(tmp_path / "data") as store:
        yield Place(store, tmp_path / "corpus", History(tmp_path / "data"))


def asked(web: Site, path: str) -> int:
    return [asked_path for asked_path, _ in web.asked].count(path)


def test_two_feeds_that_lead_to_one_page_at_once_leave_it_correctable(
    web: Site, place: Place
) -> None:
    place.add(web.url("/ponte"))
    web.pages["/ponte"] = page(15)
    visitor = place.visitor()
    assert visitor.revisitor
    look = partial(visitor.revisitor.look, web.url("/ponte"), NAME)
    assert [r.state for r in visitor.workers.run([look, look])] == ["changed", "unchanged"]
    web.pages["/ponte"] = page(18)
    assert place.look(web.url("/ponte")).state == "changed" and "18 milioni" in place.text()


def test_an_article_is_looked_at_less_and_less_often(web: Site, place: Place) -> None:
    place.add(web.url("/ponte"))
    looks = []
    for hour in range(24 * 10):
        place.now = NOON + hour * HOUR
        looks += [hour] * len(place.visitor().revisit())
    assert looks == [1, 4, 24, 72] and asked(web, "/ponte") == 5
    assert next_visit(place.corpus.parent / "data") is None


def test_a_changed_text_becomes_the_article_and_the_old_one_is_kept(
    web: Site, place: Place
) -> None:
    place.add(web.url("/ponte"))
    before = (place.corpus / NAME).read_text()
    web.pages["/ponte"] = page(ad="Compra un telefono", day="13 maggio 2024")
    assert place.after(HOUR) == ["unchanged"] and (place.corpus / NAME).read_text() == before
    web.pages["/ponte"] = page(15)
    assert place.after(3 * HOUR) == ["changed"] and "15 milioni" in place.text()
    assert (place.corpus / NAME).read_text() == before.replace("12 milioni", "15 milioni")
    (version,) = place.history.versions(NAME)
    assert version.file.read_text() == before and version.until == NOON + 4 * HOUR
    assert place.after(DAY) == ["unchanged"] and len(list(place.corpus.iterdir())) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Page("<h1>404</h1><p>La pagina che cerchi non esiste.</p>"), "no such article"),
        (
            Page("<div><p>Accetta i cookie per continuare a leggere</p></div>"),
            "does not correct",
        ),
        (
            Page(
                "<h1>Il ponte sul lago</h1><article><p>Il ponte sul lago costa 15 milioni di euro, "
                "dice il sindaco.</p></article><div><p>Questo articolo è riservato agli abbonati"
                "</p></div>"
            ),
            "the rest is for subscribers",
        ),
        (Page("<h1>Just a moment...</h1><p>Checking your browser</p>"), "does not correct"),
        (
            Page(
                "<h1>Tutte le notizie</h1><p>La squadra di casa ha vinto il derby con tre reti. "
                "La biblioteca comunale riapre in autunno con orari nuovi per gli studenti.</p>"
            ),
            "another text by now",
        ),
        (Page("<h1>Il ponte sul lago</h1><p>Il ponte costa.</p>"), "much less than before"),
        (Page("no", status=403), "403"),
        (Page("no", status=500), "500"),
    ],
)
def test_what_is_not_the_article_replaces_nothing(
    web: Site, place: Place, answer: Page, reason: str
) -> None:
    place.add(web.url("/ponte"))
    before = place.text()
    web.pages["/ponte"] = answer
    with pytest.raises((ArticleError, FetchError), match=reason):
        place.look(web.url("/ponte"))
    assert place.after(HOUR) == ["failed"]
    assert place.text() == before and not place.history.versions(NAME)
    assert place.after(DAY) == ["failed"] and place.history.withdrawn() == {}


@pytest.mark.parametrize("status", [404, 410])
def test_a_page_that_is_gone_on_two_days_is_withdrawn_and_stays(
    web: Site, place: Place, status: int
) -> None:
    place.add(web.url("/ponte"))
    before = place.text()
    web.pages["/ponte"] = Page("gone", status=status)
    assert place.after(HOUR) == ["failed"] and place.history.withdrawn() == {}
    with pytest.raises(FetchError, match=r"on another day, .*ponte.*txt is marked as withdrawn"):
        place.look(web.url("/ponte"))
    assert place.after(DAY) == ["withdrawn"]
    assert place.history.withdrawn() == {NAME: NOON + HOUR + DAY} and place.text() == before
    assert place.after(30 * DAY) == []
    web.pages["/ponte"] = page()
    assert place.look(web.url("/ponte")).state == "unchanged" and place.history.withdrawn() == {}


def test_a_page_that_is_gone_for_an_hour_is_not_withdrawn(web: Site, place: Place) -> None:
    place.add(web.url("/ponte"))
    web.pages["/ponte"] = Page("gone", status=404)
    assert place.after(HOUR) == ["failed"]
    web.pages["/ponte"] = page()
    assert place.after(DAY) == ["unchanged"]
    web.pages["/ponte"] = Page("gone", status=404)
    assert place.after(2 * DAY) == ["failed"] and place.history.withdrawn() == {}


def test_a_host_that_wants_a_pause_gets_it(web: Site, place: Place) -> None:
    for name in ("ponte", "molo"):
        body = str(page().body).replace("ponte", name)
        web.pages[f"/{name}"] = Page(body)
        place.add(web.url(f"/{name}"))
    web.pages["/ponte"] = Page("later", status=429, headers={"Retry-After": "7200"})
    assert place.after(HOUR) == ["failed"] and asked(web, "/molo") == 1
    assert place.after(HOUR) == []
    web.pages["/ponte"] = page()
    assert place.after(HOUR) == ["unchanged", "unchanged"] and max(place.slept) <= 0.5


def test_what_its_owner_edited_or_removed_is_left_alone(web: Site, place: Place) -> None:
    place.add(web.url("/ponte"))
    file = place.corpus / NAME
    file.write_text(file.read_text().replace("un’impresa", "una ditta"))
    assert place.after(HOUR) == ["unchanged"]
    web.pages["/ponte"] = page(15)
    (result,) = [place.look(web.url("/ponte"))]
    assert (result.state, result.notes) == ("known", (EDITED,)) and "una ditta" in place.text()
    file.unlink()
    assert place.after(DAY) == [] and place.after(3 * DAY) == [] and not file.exists()


def test_an_article_is_followed_to_another_name(web: Site, place: Place) -> None:
    place.add(web.url("/ponte"))
    (place.corpus / "lago").mkdir()
    (place.corpus / NAME).rename(place.corpus / "lago" / "ponte.txt")
    web.pages["/ponte"] = page(15)
    assert place.after(HOUR) == ["changed"] and "15 milioni" in place.text("lago/ponte.txt")
    bare = place.corpus / "solo-testo.txt"  # without its address
    bare.write_text(place.text("lago/ponte.txt"))
    (place.corpus / "lago" / "ponte.txt").unlink()
    web.pages["/ponte"] = page(16)
    assert place.after(3 * HOUR) == ["changed"] and "16 milioni" in place.text(bare.name)
    assert asked(web, "/ponte") == 3 and len(place.history.versions(bare.name)) == 2


def test_a_busy_host_is_asked_for_some_days(web: Site, place: Place) -> None:
    place.add(web.url("/ponte"))
    web.pages["/robots.txt"] = web.pages["/ponte"] = Page("later", status=503)
    days = [place.after(DAY) for _ in range(12)]
    assert days[0] == ["failed"] and days[-1] == [] and "12 milioni" in place.text()


def test_no_page_replaces_a_file_that_did_not_come_from_it(web: Site, place: Place) -> None:
    body = TEXT.format(12) + "\n\nLa gara è stata vinta da un’impresa di Como."
    (place.corpus / NAME).write_text(f"---\nurl: https://altro.example/x\n---\n{body}\n")
    web.pages["/ponte"] = page(15)
    result = place.look(web.url("/ponte"))
    assert (result.state, result.notes) == ("known", (NOT_ITS_PAGE,)) and "12" in place.text()


def test_no_redirect_replaces_an_article_with_another(web: Site, place: Place) -> None:
    place.add(web.url("/ponte"))
    web.pages["/ponte"] = Page("", status=302, headers={"Location": web.url("/altro")})
    web.pages["/altro"] = page(15)
    with pytest.raises(ArticleError, match="leads to"):
        place.look(web.url("/ponte"))
    assert "12" in place.text()


def test_a_feed_that_says_updated_has_its_article_looked_at(web: Site, place: Place) -> None:
    atom = (
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>L</title><entry><title>Ponte</title>"
        "<link href='{}'/><updated>2026-11-0{}T10:00:00Z</updated></entry></feed>"
    )

    def visit(day: int, price: int) -> list[str]:
        web.pages["/feed"] = Page(atom.format(web.url("/ponte"), day), "application/atom+xml")
        web.pages["/ponte"] = page(price)
        (visit,) = place.visitor().visit_all(only_due=False)
        return [result.state for result in visit.results]

    place.store.add(web.url("/feed"))
    assert visit(1, 12) == ["added"] and visit(1, 15) == []
    assert visit(2, 15) == ["changed"] and "15 milioni" in place.text()
    assert visit(2, 16) == [] and visit(3, 15) == ["unchanged"]
    web.pages["/robots.txt"] = Page("User-agent: *\nDisallow: /ponte", "text/plain")
    place.now += 2 * DAY
    assert visit(4, 16) == ["failed"] and "15 milioni" in place.text()


def test_the_history_is_bounded(place: Place) -> None:
    for number in range(MOST_VERSIONS + 5):
        place.history.keep("a/b.txt", f"Testo numero {number}.".encode(), ".txt", NOON)
    kept = place.history.versions("a/b.txt")
    assert len(kept) == MOST_VERSIONS and kept[-1].article.text == "Testo numero 24."
    assert len({version.until for version in kept}) == MOST_VERSIONS


def test_an_edit_by_hand_is_kept_when_the_index_notices(
    empty_place: Workplace, embedder: Embedder, caplog: pytest.LogCaptureFixture
) -> None:
    place, history = empty_place, History(empty_place.data)
    paths = Locations(place.corpus, place.data)

    def write(name: str, text: str) -> None:
        place.write(name, text)
        sync(paths, embedder)

    write("a.txt", "---\ntitle: Ponte\n---\nIl ponte costa 12 milioni.\n")
    write("a.txt", "---\ntitle: Il ponte\n---\nIl ponte costa 12 milioni.\n")  # the same text
    assert not history.versions("a.txt")
    write("a.txt", "---\ntitle: Il ponte\n---\nIl ponte costa 15 milioni.\n")
    (version,) = history.versions("a.txt")
    assert version.article.text == "Il ponte costa 12 milioni.\n"
    assert version.article.title == "Il ponte"
    (place.corpus / "a.txt").rename(place.corpus / "b.txt")
    sync(paths, embedder)
    assert [v.article.text for v in history.versions("b.txt")] == [version.article.text]
    history.set_withdrawn("b.txt", NOON)
    (place.data / "history" / "withdrawn.new").mkdir()  # it cannot be written any more
    (place.corpus / "b.txt").rename(place.corpus / "c.txt")
    assert sync(paths, embedder).renamed == (("b.txt", "c.txt"),)
    assert "b.txt stays under that name" in caplog.text


def test_the_command_tells_what_became_of_a_known_address(
    web: Site, empty_place: Workplace
) -> None:
    place = empty_place
    place.environment.update(ALLOWED)
    url = web.url("/ponte")
    assert place.run("add", url).returncode == 0
    (told,) = place.json("add", "--json", url)
    assert told["unchanged"] == [{"origin": url, "path": NAME, "notes": []}]
    assert told["known"] == [{"origin": url, "path": NAME}]
    assert told["index"] is None and told["added"] == told["changed"] == []
    web.pages["/ponte"] = page(15)
    done = place.run("add", url)
    assert f"~ changed  {NAME}" in done.stdout and done.stdout.count(NAME) == 1
    assert "= invariato" in place.run("add", url, **ITALIAN).stdout
    assert len(History(place.data).versions(NAME)) == 1  # the index did not keep it once more
    web.pages["/ponte"] = Page("gone", status=410)
    assert "410" in place.run("add", url).stderr
    done = place.run("feeds", "fetch", "--json")
    assert json.loads(done.stdout)["revisited"]["failed"] == []  # it is not due
