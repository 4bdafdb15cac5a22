"""A sign of life on a terminal while a command loads and computes; nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.status import Status


class Waiting:
    """A wheel that turns, with words for what is being done."""

    def __init__(self, status: Status | None) -> None:
        self._status = status

    def tell(self, words: str) -> None:
        """What is being done from now on."""
        if self._status:
            self._status.update(words)

    def stop(self) -> None:
        """Take it away: something else is written."""
        if self._status:
            self._status.stop()


@contextmanager
def waiting(*, hidden: bool = False) -> Iterator[Waiting]:
    """A wheel on standard error, until the end or until it is stopped."""
    if hidden or not (sys.stderr and sys.stderr.isatty()):
        yield Waiting(None)
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield Waiting(status)
