"""Streams a model's words from a thread, so that whoever waits can stop waiting at any time."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import TypeVar

POLL_SECONDS = 0.1  # between checks whether the answer is given up

T = TypeVar("T")


class GivenUpError(Exception):
    """Nobody wants the answer any more."""


class TooSlowError(Exception):
    """The deadline has passed."""


def stream_in_thread(
    source: Callable[[], Iterable[T]], deadline: float, given_up: threading.Event
) -> Iterator[T]:
    """Yield the items of a source as they arrive; a call that hangs blocks nobody.

    ``deadline`` is a moment of ``time.monotonic``. Raises TooSlowError when it has passed,
    GivenUpError once ``given_up`` is set, and whatever the source raises. The thread ends with
    the next item, or with the process.
    """
    queue: SimpleQueue[tuple[list[T], BaseException | None]] = SimpleQueue()
    stopped = threading.Event()

    def fill() -> None:
        try:
            for item in source():
                if stopped.is_set():
                    return
                queue.put(([item], None))
            queue.put(([], None))
        except BaseException as error:  # noqa: BLE001 (raised in the thread that waits)
            queue.put(([], error))

    # LangChain's tracing reads the context.
    threading.Thread(target=contextvars.copy_context().run, args=(fill,), daemon=True).start()
    try:
        while not given_up.is_set():
            seconds_left = deadline - time.monotonic()
            if seconds_left <= 0:
                raise TooSlowError
            try:
                items, error = queue.get(timeout=min(seconds_left, POLL_SECONDS))
            except Empty:
                continue
            if error is not None:
                raise error
            if not items:
                return
            yield from items
        raise GivenUpError
    finally:
        stopped.set()
