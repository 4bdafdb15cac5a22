"""Feeds are followed: what is new comes, politely, and what goes wrong is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.feeds.politeness import Politeness
from bot.feeds.schedule import DAY, MINUTE, Schedule
from bot.feeds.store import FeedStore, feed_store
from bot.feeds.visits import MOST_NEW, Visit, Visitor, visiting
from bot.feeds.workers import Workers
from index.articles.add import Adder
from index.articles.web.fetch import Fetcher
from index.errors import StorageError
from index.generations.pointer import current_name
from tests.bot_api import FakeBotApi
from tests.conftest import ITALIAN, Workplace
from tests.running_bot import Bot
from tests.test_cli import fails
from tests.test_watch import Command, until
from tests.web import Page, Site, Write, site

ALLOWED = {"VIRGOLETTE_FETCH_ALLOW": "127.0.0.1"}
NOON = 1_800_000_000.0  # seconds since the epoch
TEXT = "Il battello Aurora numero {} affonda nel lago di Bolsena martedì sera, dice il sindaco."


@pytest.fixture
def web() -> Iterator[Site]:
    with site() as running:
        yield running


def rss(web: Site, *names: str, head: str = "<title>Il Lago</title>") -> str:
    """A feed of these pages, which exist from now on."""
    for name in names:
        body = f"<html lang=it><h1>Notizia {name}</h1><p>{TEXT.format(name)}</p></html>"
        web.pages.setdefault(f"/{name}", Page(body))
    items = "".join(
        f"<item><title>Notizia {name}</title><link>{web.url(f'/{name}')}</link></item>"
        for name in names
    )
    return f"<rss version='2.0'><channel>{head}{items}</channel></rss>"


@dataclass
class Follower:
    """Feeds that are followed at a time that the test tells."""

    store: FeedStore
    corpus: Path
    now: float = NOON
    slept: list[float] = field(default_factory=list)

    def visitor(self, seconds: float = 5.0, allowed: tuple[str, ...] = ("127.0.0.1",)) -> Visitor:
        schedule, workers = Schedule(now=lambda: self.now, chance=lambda: 0.5), Workers()
        rules = Fetcher(allowed, seconds=seconds)
        polite = Politeness(self.store, rules, schedule, workers, self.slept.append)
        fetcher = Fetcher(allowed, 1_000_000, seconds, polite.turn)

        def adder() -> Adder:
            return Adder(self.corpus, fetcher, {}, whole=True)

        return Visitor(self.store, fetcher, schedule, adder, workers)

    def visit(self, **options: Any) -> Visit:
        (visit,) = self.visitor(**options).visit_all(only_due=False)
        return visit

    def due(self) -> list[Visit]:
        return self.visitor().visit_all(only_due=True)

    def files(self) -> list[str]:
        return sorted(file.name for file in self.corpus.rglob("*.txt"))


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[Follower]:
    (tmp_path / "corpus").mkdir()
    with feed_store(tmp_path / "data") as store:
        yield Follower(store, tmp_path / "corpus")


def states(visit: Visit) -> list[str]:
    return [result.state for result in visit.results]


def asked(web: Site, path: str) -> list[dict[str, str]]:
    return [headers for asked_path, headers in web.asked if asked_path == path]


def test_new_articles_come_once_and_an_unchanged_feed_costs_a_304(
    web: Site, follower: Follower
) -> None:
    headers = {"ETag": '"1"', "Last-Modified": "Sun, 29 Nov 2026 10:00:00 GMT"}
    web.pages["/feed"] = Page(rss(web, "uno", "due"), "application/rss+xml", headers=headers)
    follower.store.add(web.url("/feed"), "lago")
    first = follower.visit()
    assert states(first) == ["added", "added"] and first.feed.title == "Il Lago"
    assert follower.files() == ["notizia-due.txt", "notizia-uno.txt"]
    assert (follower.corpus / "lago" / "notizia-uno.txt").exists()
    assert first.feed.due == NOON + 30 * MINUTE * 1.05 and first.feed.success == NOON
    assert not follower.due()
    follower.now += 60 * MINUTE
    web.pages["/feed"] = Page(status=304)
    (second,) = follower.due()
    last = asked(web, "/feed")[-1]
    assert (last["if-none-match"], last["if-modified-since"]) == ('"1"', headers["Last-Modified"])
    assert second.results == () and second.feed.error == "" and not second.is_news
    assert second.feed.articles == 2 and second.feed.etag == '"1"'
    follower.now += 60 * MINUTE
    web.pages["/feed"] = Page(rss(web, "tre", "uno", "due"), "application/rss+xml")
    (third,) = follower.due()
    assert states(third) == ["added"] and third.feed.articles == 3
    assert len(asked(web, "/uno")) == 1 and len(asked(web, "/robots.txt")) == 1
    assert follower.slept and max(follower.slept) <= 0.5  # between two requests to the host


def test_a_server_that_wants_a_pause_gets_it(web: Site, follower: Follower) -> None:
    web.pages["/feed"] = Page("slow down", status=429, headers={"Retry-After": "7200"})
    follower.store.add(web.url("/feed"))
    visit = follower.visit()
    assert visit.feed.due == NOON + 7200
    assert "429 Too Many Requests; it wants no request before 2027-0" in visit.feed.error
    again = follower.visit()  # a person wants it now
    assert again.feed.error.startswith("its server wants no request before 2027-0")
    assert again.feed.failures == 1
    follower.now += 7199
    assert not follower.due() and len(asked(web, "/feed")) == 1
    follower.now += 2
    web.pages["/feed"] = Page(rss(web, "due"), "application/rss+xml")
    assert [visit.feed.error for visit in follower.due()] == [""] and follower.files()


def test_a_pause_that_an_article_asks_for_ends_the_visit(web: Site, follower: Follower) -> None:
    until_then = "Fri, 15 Jan 2027 09:00:00 GMT"  # an hour after NOON
    web.pages["/due"] = Page("no", status=503, headers={"Retry-After": until_then})
    feed = rss(web, "uno", "due", "tre")
    web.pages["/feed"] = Page(feed, "application/rss+xml", headers={"ETag": '"1"'})
    follower.store.add(web.url("/feed"))
    visit = follower.visit()
    assert states(visit) == ["added"] and visit.left == 2
    assert visit.feed.due == NOON + 3600 and not asked(web, "/tre")
    web.pages["/due"] = Page(f"<p>{TEXT.format(2)}</p>")
    web.pages["/feed"] = Page(status=304)
    follower.now += 3601
    assert states(follower.visit()) == ["added", "added"]


def test_a_pause_holds_for_all_feeds_and_articles_of_a_host(web: Site, follower: Follower) -> None:
    there = rss(web, "uno", "due").replace("127.0.0.1", "localhost")
    web.pages["/altrove"] = Page(there, "application/rss+xml")
    web.pages["/uno"] = Page("slow down", status=429, headers={"Retry-After": "7200"})
    web.pages["/feed"] = Page(rss(web, "tre"), "application/rss+xml")
    for path, host in (("/altrove", "localhost"), ("/feed", "localhost"), ("/feed", "127.0.0.1")):
        follower.store.add(web.url(path, host))
    visitor = follower.visitor(allowed=("127.0.0.1", "localhost"))
    first, paused, other = visitor.visit_all(only_due=True)
    assert states(first) == [] and first.left == 2 and not asked(web, "/due")
    assert "the server answered 429" in first.notes[0]
    assert "wants no request before" in paused.feed.error and paused.feed.failures == 0
    assert paused.feed.due == NOON + 7200
    assert states(other) == ["added"] and not other.notes
    follower.now += 3600
    assert "wants no request before" in visitor.visit_all(only_due=False)[0].feed.error
    web.pages["/uno"] = Page(f"<p>{TEXT.format(2)}</p>")
    follower.now += 3601
    assert states(visitor.visit_all(only_due=True)[0]) == ["added", "added"]


def test_rules_that_cannot_be_read_cost_one_request_and_no_article_a_try(
    web: Site, follower: Follower
) -> None:
    web.pages["/feed"] = Page(rss(web), "application/rss+xml")
    follower.store.add(web.url("/feed"))
    assert follower.visit().feed.error == ""
    there = rss(web, "uno", "due", "tre").replace("127.0.0.1", "localhost")
    web.pages["/feed"] = Page(there, "application/rss+xml")
    web.pages["/robots.txt"] = Page("later", status=500)
    for times in range(1, 5):
        visit = follower.visit(allowed=("127.0.0.1", "localhost"))
        assert states(visit) == [] and visit.left == 3 and visit.feed.error == ""
        assert f"robots.txt of localhost:{web.port} cannot be read" in visit.notes[0]
        assert len(asked(web, "/robots.txt")) == 1 + times
        follower.now += 3600
    del web.pages["/robots.txt"]
    assert states(follower.visit(allowed=("127.0.0.1", "localhost"))) == ["added"] * 3


def test_a_folder_that_takes_nothing_is_the_trouble_of_its_feed_alone(
    web: Site, follower: Follower
) -> None:
    web.pages["/a"] = Page(rss(web, "uno"), "application/rss+xml")
    web.pages["/b"] = Page(rss(web, "due"), "application/rss+xml")
    (follower.corpus / "fuori").symlink_to(follower.corpus.parent)
    (follower.corpus / "pieno").touch()
    for folder in ("fuori", "pieno", ""):
        follower.store.add(f"{web.url('/b')}?{folder}" if folder else web.url("/a"), folder)
    web.pages |= {f"/b?{folder}": web.pages["/b"] for folder in ("fuori", "pieno")}
    outside, full, fine = follower.due()
    assert "the folder fuori is not in the corpus" in outside.feed.error
    assert "cannot write into the folder" in full.feed.error and full.left == 1
    assert states(fine) == ["added"] and fine.feed.error == ""
    assert outside.feed.failures == full.feed.failures == 1 and outside.feed.due > follower.now


def test_hosts_are_visited_side_by_side_each_one_request_at_a_time(
    web: Site, follower: Follower
) -> None:
    names = [f"n{number}" for number in range(6)]
    feed, both, busy = rss(web, *names), threading.Barrier(2), threading.Lock()

    def answer(write: Write) -> None:
        both.wait(10)  # the request to the other host
        write(b"HTTP/1.0 200 OK\r\nContent-Type: text/xml\r\n\r\n" + feed.encode())

    def article(write: Write) -> None:
        assert busy.acquire(blocking=False)
        time.sleep(0.05)
        write(f"HTTP/1.0 200 OK\r\n\r\n<html><p>{TEXT.format(len(web.asked))}".encode())
        busy.release()

    web.pages |= {"/a": Page(answer), **{f"/{name}": Page(article) for name in names}}
    follower.store.add(web.url("/a"))
    follower.store.add(web.url("/a", "localhost"))
    visits = follower.visitor(allowed=("127.0.0.1", "localhost")).visit_all(only_due=True)
    assert [visit.feed.error for visit in visits] == ["", ""]
    outcomes = [state for visit in visits for state in states(visit)]
    assert sorted(set(outcomes)) in (["added"], ["added", "known"]), visits
    assert len(follower.files()) >= len(names) and "failed" not in outcomes


def test_what_stops_one_visit_stops_all() -> None:
    workers, begun = Workers(), list[int]()

    def job(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise StorageError("full")
        with workers.waiting():
            time.sleep(0.2)
        return number

    with pytest.raises(StorageError, match="full"):
        list(workers.run([partial(job, number) for number in range(100)]))
    time.sleep(0.5)
    assert len(begun) < 20


def test_the_work_of_others_takes_no_time_from_a_request(web: Site, follower: Follower) -> None:
    def elsewhere(write: Write) -> None:
        time.sleep(0.3)
        write(b"HTTP/1.0 302 Found\r\nLocation: /b\r\n\r\n")

    web.pages |= {"/a": Page(elsewhere), "/b": Page("<p>Una pagina.</p>")}
    visitor = follower.visitor(seconds=1)

    def other() -> str:
        with visitor.workers.waiting():
            time.sleep(0.1)
        time.sleep(1.2)
        return ""

    def fetched() -> str:
        return visitor.fetcher.get(web.url("/a"), ("text/html",)).url

    assert web.url("/b") in list(visitor.workers.run([fetched, other]))


def test_failures_back_off_and_tell_why(web: Site, follower: Follower) -> None:
    web.pages["/feed"] = Page("broken", status=500)
    follower.store.add(web.url("/feed"))
    waits = []
    for _ in range(12):
        visit = follower.visit()
        waits.append(visit.feed.due - follower.now)
        follower.now = visit.feed.due
    assert waits[:3] == [60 * MINUTE * 1.05, 120 * MINUTE * 1.05, 240 * MINUTE * 1.05]
    assert waits[-1] == DAY * 1.05 and visit.feed.failures == 12
    assert "the server answered 500" in visit.feed.error
    web.pages["/feed"] = Page(rss(web), "application/rss+xml")
    assert follower.visit().feed.failures == 0


def test_what_the_feed_and_its_server_ask_for_sets_the_interval(
    web: Site, follower: Follower
) -> None:
    page = Page(rss(web, head="<ttl>120</ttl>"), "application/rss+xml")
    web.pages["/feed"] = page
    follower.store.add(web.url("/feed"))
    assert follower.visit().feed.due == NOON + 120 * MINUTE * 1.05
    page.headers = {"Cache-Control": "public, max-age=14400"}
    assert follower.visit().feed.due == NOON + 240 * MINUTE * 1.05
    page.headers = {"Cache-Control": "max-age=31536000"}
    assert follower.visit().feed.due == NOON + DAY * 1.05


def test_a_feed_that_moved_is_fetched_there_and_one_that_is_gone_ends(
    web: Site, follower: Follower
) -> None:
    web.pages["/old"] = Page(status=301, headers={"Location": "/new"})
    web.pages["/new"] = Page(rss(web, "uno"), "application/rss+xml")
    follower.store.add(web.url("/old"))
    visit = follower.visit()
    assert visit.notes == (f"it has moved to {web.url('/new')}",)
    assert follower.visit().notes == () and len(asked(web, "/old")) == 1
    assert follower.store.add(web.url("/new")) == follower.store.feeds()[0]  # it is followed
    web.redirect("/new", "/elsewhere")  # for now only: not remembered
    web.pages["/elsewhere"] = Page(rss(web, "uno"), "application/rss+xml")
    assert follower.visit().feed.url == web.url("/new")
    web.pages["/new"] = Page(status=410)
    gone = follower.visit()
    assert gone.feed.ended and "gone for good (410)" in gone.feed.error
    follower.now += 30 * DAY
    assert not follower.due() and follower.files() == ["notizia-uno.txt"]
    assert not follower.store.add(web.url("/old")).ended  # somebody wants it again


def test_two_addresses_of_one_feed_are_followed_once(web: Site, follower: Follower) -> None:
    web.pages["/new"] = Page(rss(web, "uno"), "application/rss+xml")
    web.pages["/old"] = Page(status=308, headers={"Location": "/new"})
    follower.store.add(web.url("/new"))
    follower.store.add(web.url("/old"))
    _, second = follower.due()
    assert second.feed.ended and "the same feed as" in second.feed.error


def test_two_hosts_that_lead_to_one_feed_at_once_are_followed_once(
    web: Site, follower: Follower
) -> None:
    names, both = [f"n{number}" for number in range(6)], threading.Barrier(2)

    def moved(write: Write) -> None:
        both.wait(10)
        write(f"HTTP/1.0 301 Moved\r\nLocation: {web.url('/new')}\r\n\r\n".encode())

    def article(write: Write) -> None:
        time.sleep(0.1)
        write(f"HTTP/1.0 200 OK\r\n\r\n<html><p>{TEXT.format(len(web.asked))}".encode())

    web.pages |= {"/a": Page(moved), "/new": Page(rss(web, *names), "text/xml")}
    web.pages |= {f"/{name}": Page(article) for name in names}
    follower.store.add(web.url("/a"))
    follower.store.add(web.url("/a", "localhost"))
    visits = follower.visitor(allowed=("127.0.0.1", "localhost")).visit_all(only_due=True)
    assert sorted(visit.feed.ended for visit in visits) == [False, True]


def test_rules_of_a_host_are_kept(web: Site, follower: Follower) -> None:
    rules = "User-agent: *\nDisallow: /*?privato\nDisallow: /v-*.html$\nCrawl-delay: 3"
    web.pages["/robots.txt"] = Page(rules, "text/plain")
    closed = [f"v-{number}.html" for number in range(4)]
    web.pages["/feed"] = Page(rss(web, *closed, "uno"), "application/rss+xml")
    follower.store.add(web.url("/feed"))
    visit = follower.visit()
    assert states(visit) == ["failed"] * 4 + ["added"] and not asked(web, f"/{closed[0]}")
    assert "robots.txt of 127.0.0.1" in str(visit.results[1].reason) and not visit.left
    assert max(follower.slept) == 3
    follower.store.remove(visit.feed)
    follower.store.add(web.url("/feed?privato"))
    assert "does not allow it" in follower.visit().feed.error
    follower.now += 2 * DAY
    web.pages["/robots.txt"] = Page("later", status=500)
    assert "500" in follower.visit().feed.error  # RFC 9309: nothing may be fetched meanwhile


TEASER = (
    "<html lang=it><h1>Il treno</h1><article><p>Il treno blindato è partito da Pyongyang domenica"
    " sera, diretto verso la Russia orientale.</p></article>{}</html>"
)
CLOSED = '<script type="application/ld+json">{"@type":"NewsArticle","isAccessibleForFree":false}'


@pytest.mark.parametrize(
    "rest",
    [
        "<div class=paywall><p>Questo articolo è riservato agli abbonati</p></div>",
        "<div><p>Subscribe to continue reading</p></div>",
        f"{CLOSED}</script>",
    ],
)
def test_a_teaser_is_told_and_not_stored(web: Site, follower: Follower, rest: str) -> None:
    web.pages["/uno"] = Page(TEASER.format(rest))
    web.pages["/feed"] = Page(rss(web, "uno"), "application/rss+xml")
    follower.store.add(web.url("/feed"))
    visit = follower.visit()
    assert states(visit) == ["failed"] and follower.files() == []
    assert "the rest is for subscribers" in str(visit.results[0].reason)
    assert follower.visit().results == () and len(asked(web, "/uno")) == 1
    whole = Page(TEASER.format("<div><p>Iscriviti alla newsletter</p></div>"))
    web.pages["/due"] = whole
    web.pages["/feed"] = Page(rss(web, "due"), "application/rss+xml")
    assert states(follower.visit()) == ["added"]


def test_an_article_that_fails_is_tried_again_but_not_for_ever(
    web: Site, follower: Follower
) -> None:
    web.pages["/uno"] = Page(status=502)
    web.pages["/feed"] = Page(rss(web, "uno"), "application/rss+xml")
    follower.store.add(web.url("/feed"))
    for _ in range(5):
        visit = follower.visit()
    assert visit.results == () and len(asked(web, "/uno")) == 3


def test_a_long_feed_comes_bit_by_bit_and_says_so(web: Site, follower: Follower) -> None:
    names = [f"n{number}" for number in range(MOST_NEW + 3)]
    many = [f"x{number}" for number in range(10_000)]
    feed = rss(web, *names)
    rest = "".join(f"<item><link>{web.url(f'/{name}')}</link></item>" for name in many)
    web.pages["/feed"] = Page(feed.replace("</channel>", f"{rest}</channel>"), "text/xml")
    follower.store.add(web.url("/feed"))
    visit = follower.visit()
    assert states(visit) == ["added"] * MOST_NEW and visit.left == 1000 - MOST_NEW
    assert visit.notes == (
        f"it has {10_000 + MOST_NEW + 3} entries: the first 1000 are read",
        f"articles left for the next visits: {1000 - MOST_NEW}",
    )
    assert visit.feed.due == NOON + 5 * MINUTE * 1.05


def test_a_json_feed_is_read(web: Site, follower: Follower) -> None:
    rss(web, "uno", "due")
    items: list[dict[str, object]] = [
        {"id": "1", "url": "/uno", "title": "Uno", "date_published": "2026-11-28T23:30:00+01:00"},
        {"id": 2, "external_url": web.url("/due"), "date_modified": "2026-11-29T10:00:00Z"},
        {"id": "3", "content_text": "Solo testo."},
    ]
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "Json", "items": items}
    web.pages["/feed"] = Page(json.dumps(feed), "application/feed+json")
    follower.store.add(web.url("/feed"))
    visit = follower.visit()
    assert states(visit) == ["added", "added"] and visit.feed.title == "Json"
    assert "2026-11-28-notizia-uno.txt" in follower.files()
    items[1]["date_modified"] = "2026-11-29T11:00:00Z"
    web.pages["/feed"] = Page(json.dumps(feed).encode("utf-8-sig"), "application/json")
    follower.visit()
    (entry,) = follower.store.updated_entries(visit.feed)
    assert entry.url == web.url("/due")


def test_an_article_that_leads_to_the_home_page_is_tried_once(
    web: Site, follower: Follower
) -> None:
    names = [f"n{number}" for number in range(4)]
    web.pages["/feed"] = Page(rss(web, *names, "uno"), "application/rss+xml")
    web.pages["/"] = Page("<p>Tutte le notizie.</p>")
    for name in names:
        web.redirect(f"/{name}", "/")
    follower.store.add(web.url("/feed"))
    assert states(follower.visit()) == ["failed"] * 4 + ["added"] and follower.visit().left == 0


def test_an_entry_that_says_updated_can_be_told(web: Site, follower: Follower) -> None:
    atom = (
        "<feed xmlns='http://www.w3.org/2005/Atom'><title>L</title><entry><title>Uno</title>"
        "<link href='{}'/><published>2026-11-01T10:00:00Z</published>"
        "<updated>2026-11-0{}T10:00:00Z</updated></entry></feed>"
    )
    rss(web, "uno")
    web.pages["/feed"] = Page(atom.format(web.url("/uno"), 1), "application/atom+xml")
    follower.store.add(web.url("/feed"))
    feed = follower.visit().feed
    assert follower.store.updated_entries(feed) == []
    web.pages["/feed"] = Page(atom.format(web.url("/uno"), 2), "application/atom+xml")
    follower.visit()
    (entry,) = follower.store.updated_entries(feed)
    assert entry.url == web.url("/uno")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (
            Page("<html><link rel='alternate' type='application/rss+xml' href='/rss'><p>x</html>"),
            "that page names the feed http://127.0.0.1",
        ),
        (Page("<html><p>Una pagina.</p></html>"), "is a page, and names no feed"),
        (Page("<rss><channel><item", "text/xml"), "is no feed with articles"),
        (Page("x" * 2_000_000, "text/plain"), "larger than 1 MB"),
        (Page('{"items": [{"url": "/a"}]}', "application/json"), "is no feed with articles"),
        (Page('{"a":' * 90_000, "application/json"), "is no feed that can be read"),
        (Page(f'{{"items":[{"{}," * 300_000}{{}}]}}', "application/json"), "too many for a feed"),
        (
            Page("<rss version='2.0'><channel><item><title>x</title></item></channel></rss>"),
            "name no",
        ),
        (Page(lambda write: time.sleep(3)), "it took longer than 1 seconds"),
    ],
)
def test_what_is_no_feed_says_so(web: Site, follower: Follower, page: Page, reason: str) -> None:
    web.pages["/feed"] = page
    web.pages["/robots.txt"] = Page("")
    follower.store.add(web.url("/feed"))
    assert reason in follower.visit(seconds=1).feed.error


def test_a_feed_on_a_private_address_is_refused(web: Site, follower: Follower) -> None:
    web.pages["/feed"] = Page(rss(web, "uno"), "application/rss+xml")
    follower.store.add(web.url("/feed"))
    assert "is no public address" in follower.visit(allowed=()).feed.error
    assert web.asked == []


def test_the_command_follows_lists_and_ends(web: Site, empty_place: Workplace) -> None:
    place = empty_place
    place.environment.update(ALLOWED)
    assert "no feed is followed" in place.run("feeds").stdout
    web.pages["/feed"] = Page(rss(web, "uno"), "application/rss+xml")
    web.pages["/"] = Page(f"<link rel=alternate type=application/atom+xml href={web.url('/feed')}>")
    fails(place.run("feeds", "add", web.url("/")), 1, f"names the feed {web.url('/feed')}")
    fails(place.run("feeds", "add", "ftp://x.example/"), 1, "is no address of a feed")
    fails(place.run("feeds", "add", web.url("/feed"), "--into", ".."), 1, "not in the corpus")
    added = place.run("feeds", "add", web.url("/feed"))
    assert added.stdout.startswith(f"  + added    Il Lago ({web.url('/feed')})\n")
    assert "come with virgolette feeds fetch" in added.stdout
    assert "= there" in place.run("feeds", "add", f"{web.url('/feed')}?utm_source=x").stdout
    (told,) = place.json("feeds", "fetch", "--no-index", "--json")
    assert [added["path"] for added in told["feeds"][0]["added"]] == ["notizia-uno.txt"]
    assert told["index"] is None
    assert "articoli: 1; ultima visita riuscita 20" in place.run("feeds", **ITALIAN).stdout
    web.pages["/feed"] = Page("<html>", "text/html")
    failed = place.run("feeds", "fetch", **ITALIAN)
    assert failed.returncode == 1 and "non nomina nessun feed" in failed.stdout
    assert "non nomina nessun feed" in place.run("status", **ITALIAN).stdout
    (status,) = place.json("status", "--json")
    assert status["feeds"][0]["failures"] == 1 and status["feeds"][0]["next"]
    exported = place.run("feeds", "export").stdout
    assert "- removed" in place.run("feeds", "remove", "1").stdout
    fails(place.run("feeds", "remove", "1"), 2, "no feed 1 is followed")
    (place.path / "lista.opml").write_text(exported)
    (told,) = place.json("feeds", "import", "lista.opml", "--json")
    assert told == {"added": [web.url("/feed")], "known": [], "failed": []}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("<opml><body><outline xmlUrl='http://a.example/'>", "broken in line 1"),
        ("<opml><body/></opml>", "names no feed"),
        ("<html/>", "is no OPML: it begins with <html>"),
        ("# niente\n", "names no feed"),
    ],
)
def test_a_list_that_is_broken_is_told(empty_place: Workplace, content: str, reason: str) -> None:
    (empty_place.path / "lista").write_text(content)
    fails(empty_place.run("feeds", "import", "lista"), 2, reason)
    fails(empty_place.run("feeds", VIRGOLETTE_FEEDS="lista"), 2, reason)
    fails(empty_place.run("feeds", "import", "manca"), 2, "cannot be read")


def test_the_setting_names_feeds_or_a_file_of_them(empty_place: Workplace) -> None:
    place = empty_place
    one, two = "https://a.example/rss", "https://b.example/rss"
    (told,) = place.json("feeds", "--json")
    assert told == {"feeds": []} and not (place.data / "feeds.sqlite").exists()
    done = place.run("feeds", "--json", VIRGOLETTE_FEEDS=f"{one}, {two}")
    assert [feed["url"] for feed in json.loads(done.stdout)["feeds"]] == [one, two]
    refused = place.run("feeds", "remove", one, VIRGOLETTE_FEEDS=f"{one}, {two}")
    fails(refused, 2, "is in VIRGOLETTE_FEEDS")
    assert len(place.json("feeds", "--json")[0]["feeds"]) == 2  # the bot may have them
    (place.path / "i miei feed.txt").write_text(f"# testate\n{two}\n")
    done = place.run("feeds", "--json", VIRGOLETTE_FEEDS="i miei feed.txt")
    assert [feed["url"] for feed in json.loads(done.stdout)["feeds"]] == [two]
    wrong = place.run("status", VIRGOLETTE_FEEDS="https://a.example/ ftp://b.example/")
    fails(wrong, 2, "VIRGOLETTE_FEEDS is wrong")


def test_one_process_fetches_at_a_time(web: Site, empty_place: Workplace) -> None:
    empty_place.environment.update(ALLOWED)
    web.pages["/feed"] = Page(rss(web, "uno"), "application/rss+xml")
    empty_place.run("feeds", "add", web.url("/feed"))
    with visiting(empty_place.data):
        fails(empty_place.run("feeds", "fetch"), 1, "another process is fetching the feeds")
        assert empty_place.run("feeds", "fetch", "--due").returncode == 0
    assert not list(empty_place.corpus.iterdir())


def test_index_watch_fetches_what_is_due_and_indexes_it(web: Site, train_place: Workplace) -> None:
    train_place.environment.update(ALLOWED)
    web.pages["/feed"] = Page(rss(web, "uno"), "application/rss+xml")
    train_place.environment["VIRGOLETTE_FEEDS"] = web.url("/feed")
    command = Command(train_place, "index", "--watch", "--json")
    visited, indexed = command.reports(2)
    assert visited["feeds"][0]["added"][0]["path"] == "notizia-uno.txt"
    assert indexed["added"] == ["notizia-uno.txt"]
    assert command.end(15) == 0 and command.errors == []


def test_admins_follow_feeds_in_telegram(web: Site, indexed_place: Workplace) -> None:
    admin, before = {"user_id": 900}, current_name(indexed_place.data)
    web.pages["/feed"] = Page(rss(web, "uno"), "application/rss+xml")
    web.pages["/"] = Page(f"<link rel=alternate type=application/atom+xml href={web.url('/feed')}>")
    with FakeBotApi() as api:
        settings = {"VIRGOLETTE_WATCH": "false", "VIRGOLETTE_TELEGRAM_ADMINS": "900"}
        bot = Bot(indexed_place, api, **settings, **ALLOWED)
        assert bot.ask("/feed", **admin)["text"].startswith("Non seguo ancora nessun feed.\nPer ")
        told = bot.ask(f"/feed {web.url('/')}", **admin)["text"]
        assert told.endswith(f"è una pagina, e quella pagina nomina il feed {web.url('/feed')}")
        told = bot.ask(f"/feed {web.url('/feed')}", **admin)["text"]
        assert told == "Da ora seguo Il Lago: i suoi articoli arrivano fra poco."
        assert bot.ask(f"/feed {web.url('/feed')}", **admin)["text"] == "Seguo già Il Lago."
        until(lambda: list(indexed_place.corpus.glob("notizia-uno.txt")), 60)
        until(lambda: "articoli: 1; " in bot.ask("/feed", **admin)["text"], 60)
        assert "Feed Il Lago: articoli: 1; " in bot.ask("/stato", **admin)["text"]
        status = bot.ask("/status", **admin, language_code="en")["text"]
        assert "Feed Il Lago: articles: 1, last visit 20" in status
        until(lambda: current_name(indexed_place.data) != before, 90)
        assert "Bolsena" in bot.ask("Dove affonda il battello Aurora?")["text"]
        assert bot.ask("/feed")["text"].startswith("Non conosco /feed")  # not an admin
        told = bot.ask("/feed togli 1", **admin)["text"]
        assert told == "Non seguo più Il Lago. I suoi articoli restano."
        assert "nessun feed 1" in bot.ask("/feed togli 1", **admin)["text"]
        assert bot.stop() == 0 and api.refusals == []
        assert "Traceback" not in bot.log.read_text()
