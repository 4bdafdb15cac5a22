"""Visits feeds: reads what is new in each, and adds its articles to the corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain
from pathlib import Path

from bot.feeds.revisiting import MOST_REVISITS, Revisitor
from bot.feeds.schedule import Schedule, moment
from bot.feeds.store import Feed, FeedStore
from bot.feeds.workers import Workers
from index.articles.add import Adder, AddResult
from index.articles.web.addresses import host_of, normalized
from index.articles.web.feeds import FeedContent, FeedEntry, feeds_of_page, read_feed
from index.articles.web.fetch import Fetched, Fetcher
from index.articles.web.media_types import FEED_TYPES, PAGE_TYPES
from index.errors import ArticleError, BusyError, CorpusError, FetchError, VirgoletteError

MOST_NEW = 50  # articles of a feed in one visit
MOST_ENTRIES = 1000  # that are read of a feed
_GONE = 410
_FINAL = (200, 403, _GONE)  # of an article that later visits need not try; 200: it is none
_SILENT = 3  # articles in a row without any answer, after which a visit ends
_LOCK = "feeds.lock"


@dataclass(frozen=True)
class Visit:
    """What a visit did. ``feed`` is as it is afterwards; ``left``: articles for later visits.

    ``notes``: what there is to tell, in English.
    """

    feed: Feed
    results: tuple[AddResult, ...] = ()
    notes: tuple[str, ...] = ()
    left: int = 0

    @property
    def is_news(self) -> bool:
        """Whether there is something to tell."""
        quiet = ("known", "unchanged")
        return bool(
            self.notes or self.feed.error or any(r.state not in quiet for r in self.results)
        )


@dataclass
class Visitor:
    """Visits feeds, those of several hosts side by side. ``adder`` makes what adds articles.

    ``revisitor``: looks at articles again; None: nothing does.
    """

    store: FeedStore
    fetcher: Fetcher
    schedule: Schedule
    adder: Callable[[], Adder]
    workers: Workers
    revisitor: Revisitor | None = None

    def visit_all(self, *, only_due: bool) -> list[Visit]:
        """Visit the feeds that are due, or all. Raises StorageError."""
        hosts: dict[str, list[int]] = {}
        for feed in self.store.feeds():
            hosts.setdefault(host_of(feed.url), []).append(feed.number)
        jobs = [partial(self._visit_host, feeds, only_due=only_due) for feeds in hosts.values()]
        visits = chain.from_iterable(self.workers.run(jobs))
        return sorted(visits, key=lambda visit: visit.feed.number)

    def revisit(self) -> list[AddResult]:
        """Look again at the articles that are due by now, of feeds or added by themselves."""
        return list(self.revisitor.look_at_due()) if self.revisitor else []

    def check(self, url: str) -> FeedContent:
        """What the feed at an address says. Raises FetchError if there is none."""
        return _content(self.fetcher.get(url, (*FEED_TYPES, *PAGE_TYPES)))

    def _visit_host(self, numbers: list[int], *, only_due: bool) -> list[Visit]:
        feeds = filter(None, map(self.store.by_number, numbers))  # one may be removed by now
        now = self.schedule.now
        return [
            self._visit(feed)
            for feed in feeds
            if not feed.ended and not (only_due and feed.due > now())
        ]

    def _visit(self, feed: Feed) -> Visit:
        """Visit a feed, unless its host wants a pause, and store when to come again."""
        if (until := self.store.paused(host_of(feed.url))) > self.schedule.now():
            reason = f"its server wants no request before {moment(until)}"
            return self._saved(Visit(replace(feed, error=reason)))
        conditions = {"If-None-Match": feed.etag, "If-Modified-Since": feed.modified}
        given = {name: value for name, value in conditions.items() if value}
        try:
            fetched = self.fetcher.get(feed.url, (*FEED_TYPES, *PAGE_TYPES), given)
            content = FeedContent(feed.title, 0, ()) if fetched.is_unchanged else _content(fetched)
        except FetchError as error:
            return self._failed(Visit(feed), error)
        feed, notes = self._moved(feed, fetched)
        if feed.ended:
            return self._saved(Visit(feed, notes=notes))
        entries = content.entries
        if len(entries) > MOST_ENTRIES:
            notes += (f"it has {len(entries)} entries: the first {MOST_ENTRIES} are read",)
        self.store.note_entries(feed, entries[:MOST_ENTRIES], self.schedule.now())
        return self._with_articles(feed, fetched, content, notes)

    def _with_articles(
        self, feed: Feed, fetched: Fetched, content: FeedContent, notes: tuple[str, ...]
    ) -> Visit:
        results: list[AddResult] = []
        postponed: dict[str, str] = {}
        failure = None
        try:
            for result in chain(self._new(feed, postponed), self._updated(feed, postponed)):
                results.append(result)
        except CorpusError as error:
            failure = error
        left = len(self.store.new_entries(feed))
        notes += tuple(postponed.values())
        if left:
            notes += (f"articles left for the next visits: {left}",)
        count = sum(result.state in ("added", "known") for result in results)
        feed = replace(feed, title=content.title or feed.title, articles=feed.articles + count)
        if failure:
            return self._failed(Visit(feed, tuple(results), notes, left), failure)
        headers, is_whole = fetched.headers, not left or len(results) < MOST_NEW
        feed = replace(
            feed,
            etag=headers.get("etag", feed.etag if fetched.is_unchanged else ""),
            modified=headers.get("last-modified", feed.modified if fetched.is_unchanged else ""),
            success=self.schedule.now(),
            due=self.schedule.after_success(content.ttl, headers, is_whole=is_whole),
            failures=0,
            error="",
        )
        return self._saved(Visit(feed, tuple(results), notes, left))

    def _new(self, feed: Feed, postponed: dict[str, str]) -> Iterator[AddResult]:
        """Add new articles, and say of each host in ``postponed`` why it is not asked for now.

        Stops where no host answers any more. Raises CorpusError.
        """
        tried = silent = 0
        for entry in self.store.new_entries(feed):
            try:
                result, is_final, is_answered = self._add(feed, entry), True, True
            except ArticleError as error:
                result = AddResult(entry.url, "failed", reason=str(error))
                is_final = is_answered = True
            except FetchError as error:
                if error.until:
                    postponed.setdefault(host_of(entry.url), str(error))
                    continue
                result = AddResult(entry.url, "failed", reason=str(error))
                is_final, is_answered = error.status in _FINAL, error.status > 0
            self.store.note_result(feed, result, self.schedule.now(), final=is_final)
            if self.revisitor and result.state == "added":
                self.revisitor.register(result)
            yield result
            tried, silent = tried + 1, 0 if is_answered else silent + 1
            if tried == MOST_NEW or silent == _SILENT:
                return

    def _updated(self, feed: Feed, postponed: dict[str, str]) -> Iterator[AddResult]:
        """Look again at the articles that the feed says were updated; see ``_new``."""
        if self.revisitor is None:
            return
        for entry in self.store.updated_entries(feed)[:MOST_REVISITS]:
            path = self.revisitor.path_of(entry.url, self.store.path_of(feed, entry))
            if path is not None:
                try:
                    yield self.revisitor.look(entry.url, path)
                except FetchError as error:
                    if error.until:
                        postponed.setdefault(host_of(entry.url), str(error))
                        continue
                    yield AddResult(entry.url, "failed", path, str(error))
                    if not error.status:  # no answer: the next visit tries again
                        return
                except (ArticleError, CorpusError) as error:
                    yield AddResult(entry.url, "failed", path, str(error))
            self.store.note_looked(feed, entry, self.schedule.now())

    def _add(self, feed: Feed, entry: FeedEntry) -> AddResult:
        return self._adder.into(feed.folder).add_url(entry.url, entry.fields)

    @cached_property
    def _adder(self) -> Adder:
        """It reads the whole corpus: only where there is an article to add."""
        return self.adder()

    def _moved(self, feed: Feed, fetched: Fetched) -> tuple[Feed, tuple[str, ...]]:
        """The feed at the address where it is for good; it ends where another one is there."""
        if not fetched.moved or normalized(fetched.moved) == normalized(feed.url):
            return feed, ()
        keys = {normalized(other.url) for other in self.store.feeds() if other != feed}
        if normalized(fetched.moved) in keys:
            reason = f"it is the same feed as {fetched.moved}, which is followed too"
            return replace(feed, ended=True, error=reason), ()
        feed = replace(feed, url=fetched.moved)
        self.store.save(feed)  # another one may lead there before this visit ends
        return feed, (f"it has moved to {fetched.moved}",)

    def _failed(self, visit: Visit, error: VirgoletteError) -> Visit:
        feed = visit.feed
        if isinstance(error, FetchError) and error.status == _GONE:
            reason = "the server says that this feed is gone for good (410): it is followed no more"
            return self._saved(replace(visit, feed=replace(feed, ended=True, error=reason)))
        failures = feed.failures + 1
        due = self.schedule.after_failure(failures)
        feed = replace(feed, failures=failures, error=str(error), due=due)
        return self._saved(replace(visit, feed=feed))

    def _saved(self, visit: Visit) -> Visit:
        """Store the feed, which is not due before its host wants it."""
        feed = visit.feed
        feed = replace(feed, due=max(feed.due, self.store.paused(host_of(feed.url))))
        self.store.save(feed)
        return replace(visit, feed=feed)


@contextmanager
def visiting(data_dir: Path) -> Iterator[None]:
    """Keep other processes from visiting feeds. Raises BusyError if one does."""
    from filelock import FileLock, Timeout

    lock = FileLock(data_dir / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise BusyError(
            "another process is fetching the feeds: try again when it has finished"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _content(fetched: Fetched) -> FeedContent:
    """The content of a feed. Raises FetchError, which names the feeds of a page."""
    if fetched.content_type in FEED_TYPES:
        return read_feed(fetched.data, fetched.url)
    named = feeds_of_page(fetched.data, fetched.url)
    if not named:
        raise FetchError(
            f"{fetched.url} is a page, and names no feed: give the address of one", 200
        )
    raise FetchError(f"{fetched.url} is a page, and that page names the feed {named[0]}", 200)
