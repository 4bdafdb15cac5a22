"""What a host wants of programs: its robots.txt (RFC 9309), time between requests, and pauses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.feeds.schedule import Schedule, moment
from bot.feeds.store import FeedStore
from bot.feeds.workers import Workers
from index.articles.web.addresses import host_of
from index.articles.web.fetch import Fetcher
from index.errors import FetchError

if TYPE_CHECKING:
    from protego import Protego

AGENT = "Virgolette"  # the name that rules may address
_FORBIDDEN = 403  # the status of what rules forbid: the host does answer
_PAUSED = (429, 503)  # statuses of a server that wants a pause
_PAUSE = 0.5  # seconds between two requests to a host
_MAX_PAUSE = 10.0  # seconds; a longer Crawl-delay is not kept
_VALID = 24 * 3600.0  # seconds that rules are kept
_MAX_RULES = 500_000  # bytes; RFC 9309 asks for at least 500 KiB of them to be read
_TYPES = ("text/plain", "text/html", "application/xhtml+xml", "text/markdown")


@dataclass
class Politeness:
    """Gives each host one request at a time, as it wants them.

    ``fetcher`` fetches rules, ``sleep`` waits; other ``workers`` go on meanwhile.
    """

    store: FeedStore
    fetcher: Fetcher
    schedule: Schedule
    workers: Workers
    sleep: Callable[[float], None] = time.sleep
    _rules: dict[str, Protego | FetchError] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)
    _turns: dict[str, Lock] = field(default_factory=dict)

    @contextmanager
    def turn(self, url: str) -> Iterator[None]:
        """Wait for the turn of an address, which ends with the ``with``.

        Raises FetchError if its host does not want it read, or no request for now.
        """
        host = host_of(url)
        with self.workers.waiting(), self._turns.setdefault(host, Lock()):
            if (until := self.store.paused(host)) > self.schedule.now():
                reason = f"its server wants no request before {moment(until)}"
                raise FetchError(reason, until=until)
            self._wait(host, self._delay(url, host))
            try:
                yield
            except FetchError as error:
                if error.status in _PAUSED:
                    until = self._pause(host, error)
                    reason = f"{error}; it wants no request before {moment(until)}"
                    raise FetchError(reason, error.status, error.headers, until) from error
                raise

    def _delay(self, url: str, host: str) -> float:
        """The seconds that a host wants between requests. Raises FetchError if it wants none."""
        origin = f"{urlsplit(url).scheme}://{host}"
        if origin not in self._rules:
            self._rules[origin] = self._parsed(origin)
        rules = self._rules[origin]
        if isinstance(rules, FetchError):
            raise rules
        if not rules.can_fetch(url, AGENT):
            raise FetchError(f"robots.txt of {host} does not allow it", _FORBIDDEN)
        return min(max(rules.crawl_delay(AGENT) or 0, _PAUSE), _MAX_PAUSE)

    def _wait(self, host: str, delay: float) -> None:
        if (wait := self._last.get(host, 0) + delay - self.schedule.now()) > 0:
            self.sleep(min(wait, delay))  # the clock may have been set back
        self._last[host] = self.schedule.now()

    def _pause(self, host: str, error: FetchError) -> float:
        """Until when a server wants no requests, from now on: what it says, or one interval."""
        until = self.schedule.pause(error.headers) or self.schedule.after_failure(0)
        self.store.pause(host, until)
        return until

    def _parsed(self, origin: str) -> Protego | FetchError:
        """The rules of a host, or why they cannot be had for now: RFC 9309 then forbids all.

        Raises that error where there was no answer: the address may never have one.
        """
        from protego import Protego  # knows * and $, which urllib's parser does not

        kept = self.store.robots(origin)
        if kept and kept[1] > self.schedule.now() - _VALID:
            return Protego.parse(kept[0])
        try:
            rules = self._fetched(origin)
        except FetchError as error:
            reason, host = str(error.__cause__ or error), host_of(origin)
            if error.status:
                reason = f"robots.txt of {host} cannot be read: {reason}"
            until = self.schedule.after_failure(0)
            if error.status in _PAUSED:
                until = self._pause(host, error)
            failure = FetchError(reason, error.status, error.headers, until)
            if error.status:
                return failure
            self._rules[origin] = failure
            raise FetchError(reason) from error
        self.store.keep_robots(origin, rules, self.schedule.now())
        return Protego.parse(rules)

    def _fetched(self, origin: str) -> str:
        """The rules of a host, "" if it has none. Raises FetchError."""
        try:
            fetched = self.fetcher.get(f"{origin}/robots.txt", _TYPES)
        except FetchError as error:
            if 200 <= error.status < 500 and error.status != 429:
                return ""
            raise
        return fetched.data[:_MAX_RULES].decode("utf-8", "replace")
