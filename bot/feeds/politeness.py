"""What a host wants of programs: its robots.txt (RFC 9309), and time between two requests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.feeds.store import FeedStore
from index.articles.web.fetch import Fetcher
from index.errors import FetchError

if TYPE_CHECKING:
    from protego import Protego

AGENT = "Virgolette"  # the name that rules may address
_FORBIDDEN = 403  # the status of what rules forbid: the host does answer
_PAUSE = 0.5  # seconds between two requests to a host
_MAX_PAUSE = 10.0  # seconds; a longer Crawl-delay is not kept
_VALID = 24 * 3600.0  # seconds that rules are kept
_MAX_RULES = 500_000  # bytes; RFC 9309 asks for at least 500 KiB of them to be read
_TYPES = ("text/plain", "text/html", "application/xhtml+xml", "text/markdown")


@dataclass
class Politeness:
    """Asks each host for its rules and keeps to them. ``fetcher`` fetches these rules.

    ``now`` gives the time in seconds since the epoch, ``sleep`` waits.
    """

    store: FeedStore
    fetcher: Fetcher
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    _rules: dict[str, Protego] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)

    def before(self, url: str) -> None:
        """Wait for the turn of an address. Raises FetchError if its host does not want it read."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._rules:
            self._rules[origin] = self._parsed(origin)
        rules = self._rules[origin]
        if not rules.can_fetch(url, AGENT):
            raise FetchError(f"robots.txt of {parts.netloc} does not allow it", _FORBIDDEN)
        pause = min(max(rules.crawl_delay(AGENT) or 0, _PAUSE), _MAX_PAUSE)
        if (wait := self._last.get(origin, 0) + pause - self.now()) > 0:
            self.sleep(wait)
        self._last[origin] = self.now()

    def _parsed(self, origin: str) -> Protego:
        from protego import Protego  # knows * and $, which urllib's parser does not

        kept = self.store.robots(origin)
        if kept and kept[1] > self.now() - _VALID:
            return Protego.parse(kept[0])
        rules = self._fetched(origin)
        self.store.keep_robots(origin, rules, self.now())
        return Protego.parse(rules)

    def _fetched(self, origin: str) -> str:
        """The rules of a host, "" if it has none.

        Where they cannot be had for now, RFC 9309 forbids everything: the error is raised.
        """
        try:
            fetched = self.fetcher.get(f"{origin}/robots.txt", _TYPES)
        except FetchError as error:
            if 200 <= error.status < 500 and error.status != 429:
                return ""
            reason = str(error.__cause__ or error)
            if error.status:
                host = urlsplit(origin).netloc
                reason = f"robots.txt of {host} cannot be read: {reason}"
            raise FetchError(reason, error.status, error.headers) from error
        return fetched.data[:_MAX_RULES].decode("utf-8", "replace")
