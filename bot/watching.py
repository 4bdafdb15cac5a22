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
from dataclasses import dataclass
from pathlib import Path

from bot.environment import TERMINATED, end_on_sigterm, interface_language, write_utf8
from bot.locales.translation import translated
from index.building.watch import Watcher

GRACE = 10.0  # seconds that a process gets to end after SIGTERM
WRITER_WAIT = 600.0  # seconds for another process that writes
_POLL_INTERVAL = 0.2  # seconds between looks at a pass and at the stop event
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
    corpus: Path, first: Sequence[str] = (), wait: float = 0, *, as_json: bool, quiet: bool = False
) -> None:
    """Follow the corpus until SIGTERM, which is the usual end, or until nobody reads the output.

    Every pass is `virgolette index`, the first one with the options ``first``, later ones with
    --quiet. Their output is printed, unless ``quiet``. A problem is one line on standard error,
    which is not repeated while it lasts. ``wait``: seconds for another process that writes; 0:
    ten minutes.
    """
    options = ["--wait", str(wait or WRITER_WAIT), *["--json"] * as_json]
    # In words, the first pass also reports that nothing changed.
    first = [*first, *["--quiet"] * as_json]
    try:
        _follow(corpus, _Passes(options, first, quiet=quiet))
    except SystemExit as end:
        sys.exit(0 if end.code == TERMINATED else end.code)


def _follow(corpus: Path, passes: _Passes) -> None:
    watcher = Watcher(corpus, passes.run, _complain)
    # In a thread, so that a signal raises its exception here and not in the middle of a pass.
    thread = threading.Thread(target=watcher.follow, args=(passes.stop,), daemon=True)
    thread.start()
    try:
        # Not in join: a signal's exception there marks the thread as ended (bpo-45274).
        while thread.is_alive() and _is_read(1):
            pass
    finally:
        passes.stop.set()
        thread.join(2 * GRACE)


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

    @property
    def problem(self) -> str:
        """What went wrong, in one line; "" if nothing did."""
        if not self.code:
            return ""
        last = (self.errors.strip().splitlines() or [f"it ended with exit code {self.code}"])[-1]
        message = last.removeprefix("virgolette: ")
        return message if message != last else f"indexing failed: {last}"


class _Passes:
    """Runs the passes and prints their news, until ``stop`` is set."""

    def __init__(self, options: Sequence[str], first: Sequence[str], *, quiet: bool) -> None:
        self._options = options
        self._first = first
        self._quiet = quiet
        self._problem = ""
        self.stop = threading.Event()

    def run(self) -> None:
        options, self._first = [*self._options, *self._first], ["--quiet"]
        try:
            result = _run(command_line("index", *options), self.stop)
        except OSError as error:  # the process could not be started
            result = _PassResult(1, "", str(error))
        if result is not None:
            self._report(result)

    def _report(self, result: _PassResult) -> None:
        if result.problem and result.problem != self._problem:
            _complain(result.problem)
        elif self._problem and not result.problem:
            _complain("the corpus is indexed again")
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
