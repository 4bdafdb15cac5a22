"""`virgolette index --watch`: the corpus is followed, each pass is a process of its own."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bot.process import TERMINATED, end_on_sigterm, write_utf8
from index.building.watch import Watcher

GRACE = 10.0  # seconds that a process gets to end when it is asked to
WAITS = 600.0  # seconds for another process that writes
_LOOK = 0.2  # seconds between looks at a process and at the sign to stop
_NICENESS = 10  # of a pass: questions go first


def command_line(*arguments: str) -> list[str]:
    """This very command line, to run in a process of its own."""
    # -P: a folder named "bot" where the user stands must not be taken for this package.
    return [sys.executable, "-P", "-m", "bot.terminal.cli", *arguments]


def following_line(corpus: Path) -> list[str]:
    """The command line of a process that only follows a corpus, and tells it in JSON.

    As `virgolette index --watch --json` does, in half of its memory: it reads no settings, which
    take libraries. Its passes do.
    """
    return [sys.executable, "-P", "-m", __name__, str(corpus)]


def follow(
    corpus: Path, first: Sequence[str] = (), wait: float = 0, *, as_json: bool, quiet: bool = False
) -> None:
    """Follow the corpus until SIGTERM, which is the usual end of that, or nobody reads any more.

    Every pass is `virgolette index`, the first one with the options ``first``, the others with
    --quiet. What they print is printed, unless ``quiet``; what goes wrong is told on standard
    error in a line, once until it is something else. ``wait``: seconds for another process that
    writes; 0 for ten minutes.
    """
    options = ["--wait", str(wait or WAITS), *["--json"] * as_json]
    first = [*first, *["--quiet"] * as_json]  # in words, the first also tells that all is well
    try:
        _follow(corpus, _Passes(options, first, _drop if quiet else _print_through))
    except SystemExit as end:
        sys.exit(0 if end.code == TERMINATED else end.code)


def _follow(corpus: Path, passes: _Passes) -> None:
    watcher = Watcher(corpus, passes.run, _complain)
    # In a thread, so that a signal is an exception here and not in the middle of a pass.
    thread = threading.Thread(target=watcher.follow, args=(passes.stop,), daemon=True)
    thread.start()
    try:
        # Not in join: a signal's exception there marks the thread as ended (bpo-45274).
        while thread.is_alive() and _is_read(1):
            pass
    finally:
        passes.stop.set()
        thread.join(2 * GRACE)


def _drop(_: str) -> None: ...


def _print_through(text: str) -> None:
    try:
        print(text, end="", flush=True)
    except OSError:
        # Python tries once more at its end: that must not fail with a complaint.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def _complain(line: str) -> None:
    with suppress(OSError):
        print(f"virgolette: {line}", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class _PassResult:
    code: int
    output: str
    errors: str

    @property
    def trouble(self) -> str:
        """What went wrong, in a line; empty when nothing did."""
        if not self.code:
            return ""
        last = (self.errors.strip().splitlines() or [f"it ended with exit code {self.code}"])[-1]
        told = last.removeprefix("virgolette: ")
        return told if told != last else f"indexing failed: {last}"


class _Passes:
    """Runs the passes and shows what is new about them, until ``stop`` is set."""

    def __init__(
        self, options: Sequence[str], first: Sequence[str], show: Callable[[str], None]
    ) -> None:
        self._options = options
        self._first = first
        self._show = show
        self.stop = threading.Event()
        self._trouble = ""

    def run(self) -> None:
        options, self._first = [*self._options, *self._first], ["--quiet"]
        try:
            outcome = _run(command_line("index", *options), self.stop)
        except OSError as error:  # no process could be started
            outcome = _PassResult(1, "", str(error))
        if outcome is not None:
            self._tell(outcome)

    def _tell(self, outcome: _PassResult) -> None:
        if outcome.trouble and outcome.trouble != self._trouble:
            _complain(outcome.trouble)
        elif self._trouble and not outcome.trouble:
            _complain("the corpus is indexed again")
        self._trouble = outcome.trouble
        try:
            self._show(outcome.output)
        except OSError:  # its reader is gone
            self.stop.set()


def _run(command: list[str], stop: threading.Event) -> _PassResult | None:
    """Run a pass to its end; end it and return None when ``stop`` is set meanwhile."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,  # the terminal's ctrl-c is for the one who started it
    )
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
    while not stop.is_set():
        with suppress(subprocess.TimeoutExpired):
            output, errors = process.communicate(timeout=_LOOK)
            return _PassResult(process.returncode, output, errors)
    process.terminate()
    try:
        process.communicate(timeout=GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    return None


def _is_read(seconds: float) -> bool:
    """Wait for so long; False as soon as the other end of standard output has been closed."""
    if sys.stdout is None:
        time.sleep(seconds)
        return True
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # no event but an error or a hang-up, which always tell
    return not poll.poll(seconds * 1000)


if __name__ == "__main__":
    write_utf8()
    end_on_sigterm()
    follow(Path(sys.argv[1]), as_json=True)
