"""Drawing a model's words in a thread, so that whoever waits can stop waiting at any time."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import TypeVar

LOOK = 0.1  # seconds between looks whether the answer is given up

T = TypeVar("T")


class GivenUpError(Exception):
    """Whoever asked does not want the answer any more."""


class TooSlowError(Exception):
    """The time is over."""


def drawn(
    source: Callable[[], Iterable[T]], until: float, given_up: threading.Event
) -> Iterator[T]:
    """What a source gives, as it comes; a call that hangs holds nobody up.

    ``until``: the moment, of ``time.monotonic``, at which the wait ends. Raises TooSlowError
    then, GivenUpError once ``given_up`` is set, and whatever the source raises. The thread that
    draws ends with the next thing that comes, or with the process.
    """
    queue: SimpleQueue[tuple[list[T], BaseException | None]] = SimpleQueue()
    enough = threading.Event()

    def draw() -> None:
        try:
            for one in source():
                if enough.is_set():
                    return
                queue.put(([one], None))
            queue.put(([], None))
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            queue.put(([], error))

    # The context holds what LangChain's tracing needs to know.
    threading.Thread(target=contextvars.copy_context().run, args=(draw,), daemon=True).start()
    try:
        while True:
            one, error = _next(queue, until, given_up)
            if error is not None:
                raise error
            if not one:
                return
            yield one[0]
    finally:
        enough.set()


def _next(
    queue: SimpleQueue[tuple[list[T], BaseException | None]],
    until: float,
    given_up: threading.Event,
) -> tuple[list[T], BaseException | None]:
    while True:
        if given_up.is_set():
            raise GivenUpError
        left = until - time.monotonic()
        if left <= 0:
            raise TooSlowError
        try:
            return queue.get(timeout=min(left, LOOK))
        except Empty:
            continue
