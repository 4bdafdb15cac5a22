"""A circuit breaker: who is down is not asked again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

MOST_FAILURES = 3  # one after another, after which nothing is asked for a while
PAUSE = 60.0  # seconds until the next try


class Breaker:
    """Counts failures. Safe for threads, which do not wait for one another.

    Source: M. Nygard, "Release It!" (2007), "Circuit Breaker". pybreaker, the library for it,
    holds a lock for the length of each call: questions would be written one at a time.
    """

    def __init__(self, pause: float = PAUSE, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0

    def admits(self) -> bool:
        """Whether something may be asked now; after the pause one question tries."""
        with self._lock:
            if self._failures < MOST_FAILURES:
                return True
            if self._clock() < self._closed_until:
                return False
            self._closed_until = self._clock() + self._pause  # the others wait for this try
            return True

    def succeeded(self) -> None:
        """What was asked was answered."""
        with self._lock:
            self._failures = 0

    def failed(self) -> None:
        """What was asked failed."""
        with self._lock:
            self._failures += 1
            self._closed_until = self._clock() + self._pause
