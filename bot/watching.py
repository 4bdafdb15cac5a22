"""`virgolette index --watch`: follows the corpus; each indexing pass is a process of its own."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bot.environment import TERMINATED, end_on_sigterm, interface_language, write_utf8
from bot.feeds.due import next_visit
from bot.locales.translation import translated
from index.building.watch import Watcher

GRACE = 10.0  # seconds that a process gets to end after SIGTERM
WRITER_WAIT = 600.0  # seconds for another process that writes
_POLL_INTERVAL = 0.2  # seconds between looks at a pass and at the stop event
FEEDS_LOOK = 5.0  # seconds between looks at whether a feed is due
FEEDS_PAUSE = 60.0  # seconds between two processes that visit feeds
_NICENESS = 10  # of a pass: questions go first


def command_line(*arguments: str) -> list[str]:
    """The command line of virgolette, for a process of its own."""
    # -P: a folder named "bot" in the working directory must not be taken for this package.
    return [sys.executable, "-P", "-m", "bot.terminal.cli", *arguments]


def following_line(corpus: Path) -> list[str]:
    """The command line of a process that only follows a corpus and reports in JSON.

    It does what `virgolette index --watch --json` does in half the memory, because it reads no
    settings, which need libraries. Its passes do.
    """
    return [sys.executable, "-P", "-m", __name__, str(corpus)]


def follow(
    corpus: Path,
    first: Sequence[str] = (),
    wait: float = 0,
    *,
    as_json: bool,
    quiet: bool = False,
    feeds: Path | None = None,
) -> None:
    """Follow the corpus until SIGTERM, which is the usual end, or until nobody reads the output.

    Every pass is `virgolette index`, the first one with the options ``first``, later ones with
    --quiet. Their output is printed, unless ``quiet``. A problem is one line on standard error,
    which is not repeated while it lasts. ``wait``: seconds for another process that writes; 0:
    ten minutes. ``feeds``: the data folder whose feeds are visited too, when they are due.
    """
    options = ["--wait", str(wait or WRITER_WAIT), *["--json"] * as_json]
    # In words, the first pass also reports that nothing changed.
    first = [*first, *["--quiet"] * as_json]
    try:
        _follow(corpus, _Passes("index", options, first, quiet=quiet), feeds)
    except SystemExit as end:
        sys.exit(0 if end.code == TERMINATED else end.code)


def _follow(corpus: Path, passes: _Passes, feeds: Path | None) -> None:
    watcher = Watcher(corpus, passes.run, _complain)
    # In a thread, so that a signal raises its exception here and not in the middle of a pass.
    thread = threading.Thread(target=watcher.follow, args=(passes.stop,), daemon=True)
    threads = [thread]
    if feeds is not None:
        visits = passes.for_feeds()
        threads.append(threading.Thread(target=_visit_feeds, args=(feeds, visits), daemon=True))
    for started in threads:
        started.start()
    try:
        # Not in join: a signal's exception there marks the thread as ended (bpo-45274).
        while thread.is_alive() and _is_read(1):
            pass
    finally:
        passes.stop.set()
        for started in threads:
            started.join(2 * GRACE)


def _visit_feeds(data_dir: Path, visits: _Passes) -> None:
    """Visit feeds when one is due, until the passes are to stop."""
    while not visits.stop.wait(FEEDS_LOOK):
        if is_visit_due(data_dir):
            visits.run()
            visits.stop.wait(FEEDS_PAUSE)


def is_visit_due(data_dir: Path) -> bool:
    """Whether a feed is to be visited by now."""
    due = next_visit(data_dir)
    return due is not None and due <= time.time()


def _is_read(seconds: float) -> bool:
    """Wait; return False as soon as the reader of standard output is gone."""
    if sys.stdout is None:
        time.sleep(seconds)
        return True
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors and hang-ups are always reported
    return not poll.poll(seconds * 1000)


def _complain(line: str) -> None:
    with suppress(OSError):
        text = translated(line, interface_language())
        print(f"virgolette: {text}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class _PassResult:
    code: int
    output: str
    errors: str
    what: str = "indexing"

    @property
    def problem(self) -> str:
        """What went wrong, in one line; "" if nothing did."""
        if not self.code:
            return ""
        last = (self.errors.strip().splitlines() or [f"it ended with exit code {self.code}"])[-1]
        message = last.removeprefix("virgolette: ")
        return message if message != last else f"{self.what} failed: {last}"


class _Passes:
    """Runs the passes and prints their news, until ``stop`` is set."""

    def __init__(
        self, command: str, options: Sequence[str], first: Sequence[str], *, quiet: bool
    ) -> None:
        self._command = command
        self._options = options
        self._first = first
        self._quiet = quiet
        self._problem = ""
        self.stop = threading.Event()

    def for_feeds(self) -> _Passes:
        """Passes that visit the feeds which are due, and stop together with these."""
        options = ["fetch", "--due", "--no-index", *["--json"] * ("--json" in self._options)]
        visits = _Passes("feeds", options, ["--quiet"], quiet=self._quiet)
        visits.stop = self.stop
        return visits

    def run(self) -> None:
        options, self._first = [*self._options, *self._first], ["--quiet"]
        try:
            result = _run(command_line(self._command, *options), self.stop)
        except OSError as error:  # the process could not be started
            result = _PassResult(1, "", str(error))
        if result is not None:
            what = "fetching the feeds" if self._command == "feeds" else result.what
            self._report(replace(result, what=what))

    def _report(self, result: _PassResult) -> None:
        if result.problem and result.problem != self._problem:
            _complain(result.problem)
        elif self._problem and not result.problem:
            again = "the corpus is indexed again", "the feeds are fetched again"
            _complain(again[self._command == "feeds"])
        self._problem = result.problem
        if self._quiet:
            return
        try:
            print(result.output, end="", flush=True)
        except OSError:  # the reader is gone
            # Python flushes once more when it exits: that must not fail with a complaint.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.stop.set()


def _run(command: list[str], stop: threading.Event) -> _PassResult | None:
    """Run a pass to its end; if ``stop`` is set meanwhile, end it and return None."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # the terminal's ctrl-c is for this process
    )
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
    while not stop.is_set():
        with suppress(subprocess.TimeoutExpired):
            output, errors = process.communicate(timeout=_POLL_INTERVAL)
            return _PassResult(process.returncode, output, errors)
    process.terminate()
    try:
        process.communicate(timeout=GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    return None


if __name__ == "__main__":
    write_utf8()
    end_on_sigterm()
    follow(Path(sys.argv[1]), as_json=True)
