"""When a feed is visited again: what its server asks for, back-off, and some chance."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

MINUTE = 60.0
DAY = 24 * 3600.0
_MAX_RETRY_AFTER = 7 * DAY
_JITTER = 0.1  # of an interval, at most
_SOON = 5 * MINUTE  # until the visit that takes the rest of a long feed


@dataclass(frozen=True)
class Schedule:
    """``interval``: seconds between two visits; ``now``: the time in seconds since the epoch.

    ``chance`` gives a number from 0 to 1.
    """

    interval: float = 30 * MINUTE
    now: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random

    def after_success(self, ttl: float, headers: Mapping[str, str], *, is_whole: bool) -> float:
        """When to come again, not before the feed or its server wants it, but within a day.

        ``is_whole``: no article of the feed is left for a later visit.
        """
        wanted = min(max(self.interval, ttl, max_age(headers)), max(DAY, self.interval))
        return self._in(wanted if is_whole else min(wanted, _SOON))

    def after_failure(self, failures: int) -> float:
        """When to come again after so many failures: each doubles the interval, up to a day."""
        return self._in(min(self.interval * 2.0 ** min(failures, 20), max(DAY, self.interval)))

    def pause(self, headers: Mapping[str, str]) -> float:
        """Until when a server wants no requests (Retry-After), at most a week; 0 if unknown."""
        value = headers.get("retry-after", "").strip()
        if value.isdecimal():
            seconds = float(value[:9])
        else:
            try:
                seconds = parsedate_to_datetime(value).timestamp() - self.now()
            except (ValueError, OverflowError):
                return 0.0
        return self.now() + min(seconds, _MAX_RETRY_AFTER) if seconds > 0 else 0.0

    def _in(self, seconds: float) -> float:
        return self.now() + seconds * (1 + _JITTER * self.chance())


def moment(seconds: float) -> str:
    """A day and a time of this machine's clock; a dash for 0."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if seconds else "–"


def max_age(headers: Mapping[str, str]) -> float:
    """The seconds for which an answer stays fresh (Cache-Control), 0 if it says nothing."""
    for directive in headers.get("cache-control", "").lower().split(","):
        name, _, value = directive.strip().partition("=")
        if name == "max-age" and value.strip('"').isdecimal():
            return float(value.strip('"')[:9])
    return 0.0
