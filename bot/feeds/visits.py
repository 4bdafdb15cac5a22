"""Visits feeds: reads what is new in each, and adds its articles to the corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from bot.feeds.revisiting import MOST_REVISITS, PAUSED, Revisitor
from bot.feeds.schedule import Schedule, moment
from bot.feeds.store import Feed, FeedStore
from index.articles.add import Adder, AddResult
from index.articles.web.addresses import normalized
from index.articles.web.feeds import FeedContent, FeedEntry, feeds_of_page, read_feed
from index.articles.web.fetch import Fetched, Fetcher
from index.articles.web.media_types import FEED_TYPES, PAGE_TYPES
from index.errors import ArticleError, BusyError, CorpusError, FetchError

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
    """Visits feeds, one request after the other. ``adder`` makes what adds articles.

    ``revisitor``: looks at articles again; None: nothing does.
    """

    store: FeedStore
    fetcher: Fetcher
    schedule: Schedule
    adder: Callable[[], Adder]
    revisitor: Revisitor | None = None

    def visit_all(self, *, only_due: bool) -> Iterator[Visit]:
        """Visit the feeds that are due, or all but those whose server wants a pause."""
        for number in [feed.number for feed in self.store.feeds()]:
            feed = self.store.by_number(number)  # it may be removed by now
            now = self.schedule.now()
            if feed is None or feed.ended or (only_due and feed.due > now):
                continue
            if feed.paused > now:
                note = f"its server wants no request before {moment(feed.paused)}"
                yield Visit(feed, notes=(note,))
            else:
                yield self.visit(feed)

    def revisit(self) -> list[AddResult]:
        """Look again at the articles that are due by now, of feeds or added by themselves."""
        return list(self.revisitor.look_at_due(self.schedule)) if self.revisitor else []

    def check(self, url: str) -> FeedContent:
        """What the feed at an address says. Raises FetchError if there is none."""
        return _content(self.fetcher.get(url, FEED_TYPES | PAGE_TYPES))

    def visit(self, feed: Feed) -> Visit:
        """Visit a feed and store when to come again. Raises CorpusError or StorageError."""
        conditions = {"If-None-Match": feed.etag, "If-Modified-Since": feed.modified}
        given = {name: value for name, value in conditions.items() if value}
        try:
            fetched = self.fetcher.get(feed.url, FEED_TYPES | PAGE_TYPES, given)
            content = FeedContent(feed.title, 0, ()) if fetched.is_unchanged else _content(fetched)
        except FetchError as error:
            return self._failed(feed, error)
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
        is_whole = len(self.store.new_entries(feed)) <= MOST_NEW
        results, until = self._articles(feed)
        updated, until = ([], until) if until else self._updated(feed)
        results += updated
        left = len(self.store.new_entries(feed))
        if left:
            notes += (f"articles left for the next visits: {left}",)
        headers = fetched.headers
        due = self.schedule.after_success(content.ttl, headers, is_whole=is_whole)
        feed = replace(
            feed,
            title=content.title or feed.title,
            etag=headers.get("etag", feed.etag if fetched.is_unchanged else ""),
            modified=headers.get("last-modified", feed.modified if fetched.is_unchanged else ""),
            success=self.schedule.now(),
            due=max(due, until),
            paused=until,
            failures=0,
            error="",
            articles=feed.articles + sum(result.state in ("added", "known") for result in results),
        )
        return self._saved(Visit(feed, tuple(results), notes, left))

    def _articles(self, feed: Feed) -> tuple[list[AddResult], float]:
        """Add new articles; until when the host wants a pause, 0 if it does not.

        Stops where it does, and where it does not answer any more.
        """
        results: list[AddResult] = []
        silent = 0
        for entry in self.store.new_entries(feed)[:MOST_NEW]:
            try:
                result, is_final = self._add(feed, entry), True
                silent = 0
            except ArticleError as error:
                result, is_final = AddResult(entry.url, "failed", reason=str(error)), True
                silent = 0
            except FetchError as error:
                if error.status in PAUSED:
                    return results, self._pause(error)
                result = AddResult(entry.url, "failed", reason=str(error))
                is_final = error.status in _FINAL
                silent = silent + 1 if not error.status else 0
            self.store.note_result(feed, result, self.schedule.now(), final=is_final)
            if self.revisitor and result.state == "added":
                self.revisitor.register(result)
            results.append(result)
            if silent == _SILENT:
                break
        return results, 0.0

    def _updated(self, feed: Feed) -> tuple[list[AddResult], float]:
        """Look again at the articles that the feed says were updated; see ``_articles``."""
        results: list[AddResult] = []
        if self.revisitor is None:
            return results, 0.0
        for entry in self.store.updated_entries(feed)[:MOST_REVISITS]:
            path = self.store.path_of(feed, entry)
            if (self.revisitor.corrector.corpus / path).is_file():
                try:
                    results.append(self.revisitor.look(entry.url, path))
                except FetchError as error:
                    if error.status in PAUSED:
                        return results, self._pause(error)
                    results.append(AddResult(entry.url, "failed", path, str(error)))
                    if not error.status:  # no answer: the next visit tries again
                        return results, 0.0
                except (ArticleError, CorpusError) as error:
                    results.append(AddResult(entry.url, "failed", path, str(error)))
            self.store.note_looked(feed, entry, self.schedule.now())
        return results, 0.0

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
        return replace(feed, url=fetched.moved), (f"it has moved to {fetched.moved}",)

    def _failed(self, feed: Feed, error: FetchError) -> Visit:
        if error.status == _GONE:
            reason = "the server says that this feed is gone for good (410): it is followed no more"
            return self._saved(Visit(replace(feed, ended=True, error=reason)))
        failures = feed.failures + 1
        due = self.schedule.after_failure(failures)
        until = self._pause(error) if error.status in PAUSED else 0.0
        due = max(due, until)
        feed = replace(feed, failures=failures, error=str(error), due=due, paused=until)
        return self._saved(Visit(feed))

    def _pause(self, error: FetchError) -> float:
        """Until when a server wants no requests: what it says, or one interval."""
        return self.schedule.pause(error.headers) or self.schedule.after_failure(0)

    def _saved(self, visit: Visit) -> Visit:
        self.store.save(visit.feed)
        return visit


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
        raise FetchError(f"{fetched.url} is a page, and names no feed", 200)
    raise FetchError(f"{fetched.url} is a page, and that page names the feed {named[0]}", 200)
