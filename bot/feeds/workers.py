"""Runs jobs that mostly wait for the network, side by side."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TypeVar

_MOST = 8  # threads
_T = TypeVar("_T")


class Workers:
    """Threads of which only one works at a time, while the others wait for the network.

    So jobs use the same files, databases and models as if they ran one after the other.
    """

    def __init__(self) -> None:
        self._working = threading.Lock()
        self._own = threading.local()

    def run(self, jobs: Sequence[Callable[[], _T]]) -> Iterator[_T]:
        """The results of jobs, as they come. Raises what a job raises, and lets no other go on."""
        left, done = deque(jobs), SimpleQueue[Callable[[], _T]]()
        for _ in range(min(_MOST, len(jobs))):
            # Daemons, so that ctrl-c waits for no server.
            threading.Thread(target=self._work, args=(left, done), daemon=True).start()
        try:
            for _ in jobs:
                yield done.get()()
        except BaseException:
            self._working.acquire()  # whoever works comes to a point where it may be cut off
            left.clear()
            raise

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let other jobs work for the length of a ``with``. Does nothing outside a job."""
        if not hasattr(self._own, "is_job"):
            yield
            return
        self._working.release()
        try:
            yield
        finally:
            self._working.acquire()

    def _work(self, left: deque[Callable[[], _T]], done: SimpleQueue[Callable[[], _T]]) -> None:
        self._own.is_job = True
        with self._working:
            while left:
                done.put(_outcome(left.popleft()))


def _outcome(job: Callable[[], _T]) -> Callable[[], _T]:
    """What returns the result of a job, or raises what it raised."""
    try:
        result = job()
    except BaseException as error:  # noqa: BLE001 (raised where the results are taken)
        failure = error

        def fail() -> _T:
            raise failure

        return fail
    return lambda: result
