"""Follows a folder: runs a pass when changes have settled, and now and then without any."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from watchfiles import Change, watch
from watchfiles.main import FileChange

from index.articles.files import is_temporary


@dataclass(frozen=True)
class Pace:
    """When passes run, in seconds.

    A pass runs after ``quiet`` without a change, but at most ``patience`` after the first one;
    without any change, ``sweep`` after the last pass, or ``blind`` where the system cannot
    report changes. Every ``look`` the clock, the folder and the stop event are checked.
    """

    quiet: float = 1.0
    patience: float = 30.0
    sweep: float = 300.0
    blind: float = 60.0
    look: float = 0.2


class Watcher:
    """Follows a folder, which may be moved, recreated, unmounted or a link.

    ``run`` is one pass over the folder: it blocks, raises nothing and reports its own errors.
    ``report`` shows one line.
    """

    def __init__(
        self,
        folder: Path,
        run: Callable[[], None],
        report: Callable[[str], None],
        pace: Pace | None = None,
    ) -> None:
        self._folder = folder.absolute()  # as watchfiles reports it
        self._run = run
        self._report = report
        self._pace = pace or Pace()
        self._schedule = _Schedule(self._pace)
        self._is_blind = False

    def follow(self, stop: Event) -> None:
        """Run a pass immediately and others when they are due, until ``stop`` is set."""
        while not stop.is_set():
            try:
                self._watch(stop)
            except (OSError, RuntimeError) as error:  # what watchfiles raises
                if _identity(self._folder) is not None:
                    self._go_blind(error, stop)
            if _identity(self._folder) is None:
                self._wait_for_folder(stop)

    def _watch(self, stop: Event) -> None:
        """Run the passes that are due, until the folder is gone or replaced.

        watchfiles would not notice: it watches the folder, not its name.
        """
        watched = _identity(self._folder)
        for changes in self._changes(stop):
            gone = (Change.deleted, str(self._folder)) in changes  # a new folder may have its inode
            if gone or _identity(self._folder) != watched:
                self._schedule.note_change()
                return
            if any(self._matters(path) for _, path in changes):
                self._schedule.note_change()
            if self._schedule.is_due():
                self._pass()

    def _changes(self, stop: Event) -> Iterator[set[FileChange]]:
        """The changes since the last look, often none, at each look."""
        milliseconds = int(self._pace.look * 1000)
        # No filter: watchfiles does not yield while its filter drops everything.
        return watch(
            self._folder,
            watch_filter=None,
            debounce=milliseconds,
            step=min(50, milliseconds),
            rust_timeout=milliseconds,
            yield_on_timeout=True,
            stop_event=stop,
            ignore_permission_denied=True,  # the pass says which folder cannot be read
        )

    def _matters(self, path: str) -> bool:
        if not Path(path).is_relative_to(self._folder):
            return True  # some systems report the target of a link
        parts = Path(path).relative_to(self._folder).parts or ("",)
        return not any(part.startswith(".") for part in parts) and not is_temporary(parts[-1])

    def _pass(self) -> None:
        self._run()
        self._schedule.note_pass()

    def _go_blind(self, error: Exception, stop: Event) -> None:
        if not self._is_blind:
            self._report(
                f"changes in {self._folder} cannot be watched ({error}): reading it every "
                f"{self._pace.blind:.0f} seconds instead; on Linux raise "
                "fs.inotify.max_user_watches"
            )
        self._is_blind = True
        self._pass()
        stop.wait(self._pace.blind)
        self._schedule.note_change()  # there may have been one

    def _wait_for_folder(self, stop: Event) -> None:
        """Wait for the folder; run a pass, which reports it, unless it comes back at once."""
        if not stop.wait(self._pace.quiet) and _identity(self._folder) is None:
            self._pass()
        while _identity(self._folder) is None and not stop.wait(self._pace.look):
            pass
        self._schedule.note_change()


class _Schedule:
    """When the next pass is due; the first one is immediately."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._first_change = self._last_change = self._last_pass = -math.inf

    def note_change(self) -> None:
        self._last_change = time.monotonic()
        self._first_change = min(self._first_change, self._last_change)

    def note_pass(self) -> None:
        self._first_change = self._last_change = math.inf
        self._last_pass = time.monotonic()

    def is_due(self) -> bool:
        now = time.monotonic()
        return (
            now - self._last_change >= self._pace.quiet
            or now - self._first_change >= self._pace.patience
            or now - self._last_pass >= self._pace.sweep
        )


def _identity(folder: Path) -> tuple[int, int] | None:
    """The device and inode of a folder, None if there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
