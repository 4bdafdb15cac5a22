"""A spinner and a progress bar on a terminal; nothing in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.terminal.output import localized

if TYPE_CHECKING:
    from rich.progress import TaskID
    from rich.status import Status

    from index.building.build import Progress

PHASES = {"reading": "reading articles", "embedding": "embedding texts", "asking": "asking"}


class Spinner:
    """An animation with words for what is being done; or nothing, without a ``status``."""

    def __init__(self, status: Status | None) -> None:
        self._status = status

    def update(self, words: str) -> None:
        """Show what is being done from now on."""
        if self._status:
            self._status.update(words)

    def stop(self) -> None:
        """Remove it, before something else is written."""
        if self._status:
            self._status.stop()


@contextmanager
def spinner(*, hidden: bool = False) -> Iterator[Spinner]:
    """A spinner on standard error, until the end or until it is stopped.

    Where standard output is piped, what reads it may write to the same terminal: no spinner then.
    """
    if hidden or not (_is_terminal() and sys.stdout is not None and sys.stdout.isatty()):
        yield Spinner(None)
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield Spinner(status)


@contextmanager
def progress_bar(*, hidden: bool = False) -> Iterator[Progress | None]:
    """What ``sync`` reports its progress to; None if nothing is shown."""
    if hidden or not _is_terminal():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bar.add_task(localized(PHASES[phase]), total=total, rate="")
            bar.update(tasks[phase], completed=done, total=total)
            speed = bar.tasks[tasks[phase]].speed
            bar.update(tasks[phase], rate=f"{speed:.0f}/s" if speed else "")

        yield show


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
