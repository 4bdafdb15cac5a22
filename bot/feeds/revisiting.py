"""Looks at the pages of articles again: what has changed there, and what was withdrawn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

from bot.feeds.revisits import Revisit, Revisits
from bot.feeds.schedule import DAY
from index.articles.add import AddResult, Catalogue, fetched_article
from index.articles.article import read_article
from index.articles.versions.correction import Corrector
from index.articles.web.addresses import host_of
from index.articles.web.fetch import Fetcher
from index.errors import ArticleError, CorpusError, FetchError

MOST_REVISITS = 50  # pages in one run
GONE = (404, 410)


@dataclass(frozen=True)
class Revisitor:
    """Looks at pages, and notes when to do so again. ``now``: seconds since the epoch.

    ``catalogue`` makes what finds articles whose files were renamed.
    """

    revisits: Revisits
    corrector: Corrector
    fetcher: Fetcher
    catalogue: Callable[[], Catalogue]
    now: Callable[[], float] = time.time

    def register(self, result: AddResult) -> None:
        """An article was just added from its page. Raises StorageError."""
        if result.path:
            self.revisits.add(result.origin, result.path, self._stored(result.path), self.now())

    def look(self, url: str, path: str) -> AddResult:
        """Look at the page of an article now.

        Raises FetchError, ArticleError, CorpusError and StorageError. Two days on which the server
        says that there is no such page are a withdrawal.
        """
        try:
            page = fetched_article(self.fetcher, url)
        except FetchError as error:
            known = self._noted(url, path)
            if error.status not in GONE:
                raise
            return self._gone(known, error)
        known = self._noted(url, path)
        result = self.corrector.look(url, page, path, known.sha256, self.now())
        is_taken = result.state == "changed" or (result.state == "unchanged" and not known.sha256)
        taken = self._stored(path) if is_taken else known.sha256
        self.revisits.save(replace(known, gone=0.0, sha256=taken))
        self.corrector.history.set_withdrawn(path, None)
        return result

    def look_at_due(self) -> Iterator[AddResult]:
        """Look at the pages that are due; what keeps a host from being asked is told once."""
        told: set[str] = set()
        for revisit in self.revisits.due(self.now())[:MOST_REVISITS]:
            path = self.path_of(revisit.url, revisit.path)
            if path is None:
                self.revisits.remove(revisit)
                continue
            try:
                yield self.look(revisit.url, path)
            except FetchError as error:
                host = host_of(revisit.url)
                if error.until:
                    self.revisits.save(replace(revisit, path=path).postponed(error.until))
                if host not in told:
                    yield AddResult(revisit.url, "failed", path, str(error))
                told |= {host} if error.until else set()
            except (ArticleError, CorpusError) as error:
                yield AddResult(revisit.url, "failed", path, str(error))

    def path_of(self, url: str, path: str) -> str | None:
        """Where an article is that was at a path, None if it is gone. Raises CorpusError.

        Its address tells it from others, or the text that was taken from there.
        """
        if (self.corrector.corpus / path).is_file():
            return path
        known = self.revisits.find(url)
        return self._catalogue.with_url(url) or self._catalogue.with_text(
            known.sha256 if known else ""
        )

    @cached_property
    def _catalogue(self) -> Catalogue:
        """It reads the whole corpus: only where a file is gone."""
        return self.catalogue()

    def _noted(self, url: str, path: str) -> Revisit:
        """What is known of a page by now, when it was fetched; the look at it is noted.

        While it was fetched, another feed may have had it looked at.
        """
        known = self.revisits.find(url) or Revisit(url, path, "", 0.0, None)
        if not (self.corrector.corpus / known.path).is_file():  # renamed since the last index
            self.corrector.history.rename(known.path, path)
        known = replace(known, path=path, due=known.next_due(self.now()))
        self.revisits.save(known)
        return known

    def _gone(self, known: Revisit, error: FetchError) -> AddResult:
        """Note that a page is not there; it is withdrawn if it was not on an earlier day either.

        Raises FetchError where this is the first day.
        """
        now = self.now()
        if known.gone and _day(known.gone) != _day(now):
            self.revisits.save(replace(known, due=None))
            if known.path not in self.corrector.history.withdrawn():
                self.corrector.history.set_withdrawn(known.path, now)
            return AddResult(known.url, "withdrawn", known.path)
        self.revisits.save(replace(known, gone=known.gone or now, due=now + DAY))
        reason = f"{error}; if it says so on another day, {known.path} is marked as withdrawn"
        raise FetchError(reason, error.status) from error

    def _stored(self, path: str) -> str:
        """The SHA-256 of the text of an article, "" if it cannot be read."""
        with suppress(OSError, ArticleError):
            return read_article((self.corrector.corpus / path).read_bytes(), path).sha256
        return ""


def _day(seconds: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(seconds))
