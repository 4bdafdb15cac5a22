"""Runs what is measured, each in a process of its own."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from json import loads
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.corpus import ROOT

KNOWN = "vectors.sqlite3"  # Virgolette's cache of vectors
MEGABYTE = 1_000_000
SAMPLE_INTERVAL = 0.1  # seconds between two looks at the memory


class BenchmarkError(Exception):
    """A measured program did not do what it is measured for."""


@dataclass(frozen=True)
class Outcome:
    """A process that has ended.

    ``seconds`` from its start to its end, ``peak`` the most bytes in memory of it and its
    descendants together, sampled ten times a second, ``result`` the JSON object it printed last.
    """

    seconds: float
    peak: int
    result: dict[str, Any]


@dataclass(frozen=True)
class Workspace:
    """A folder with a corpus and a data folder, under the names that Virgolette expects."""

    folder: Path

    @property
    def corpus(self) -> Path:
        return self.folder / "corpus"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def known(self) -> Path:
        """The vectors that are cached before the first run."""
        return self.folder / KNOWN

    def empty(self) -> None:
        """Make the data folder one without an index, with the cached vectors, if any."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True)
        if self.known.exists():
            shutil.copy(self.known, self.data / KNOWN)

    def index(self) -> Outcome:
        """``virgolette index``."""
        return run(["-m", "bot.terminal.cli", "index", "--json"], self.folder)

    def part(self, name: str, *arguments: object) -> Outcome:
        """One of ``benchmarks.parts``."""
        return run(["-m", "benchmarks.parts", name, *map(str, arguments)], self.folder)

    def asking(self, name: str, *arguments: object) -> Outcome:
        """One of ``benchmarks.asking``."""
        return run(["-m", "benchmarks.asking", name, *map(str, arguments)], self.folder)

    @property
    def stored(self) -> int:
        """The bytes of the index on the disk, without the cache of vectors."""
        files = (self.data / "generations").rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())

    def ready(self) -> Outcome:
        """A process that imports all that an index run imports before it needs the model."""
        return run(["-c", "import index.building.sync"], self.folder)


def pairs(
    runs: int, ours: Callable[[], Outcome], theirs: Callable[[], Outcome], *, warm: bool = True
) -> list[tuple[Outcome, Outcome]]:
    """Measure both in alternation; which one comes first alternates, too."""
    if warm:
        ours()
        theirs()
    measured = []
    for number in range(runs):
        if number % 2:
            baseline = theirs()
            measured.append((ours(), baseline))
        else:
            measured.append((ours(), theirs()))
    return measured


def run(
    arguments: Sequence[str], folder: Path, *, code: int = 0, json: bool = True, **settings: str
) -> Outcome:
    """Run Python in ``folder``, with only these settings. Raises BenchmarkError.

    ``code``: the expected exit code; ``json``: whether the last line it prints is the result.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env={**variables(), **settings},
            stdout=output,
            stderr=errors,
        )
        ended, peak = os.pidfd_open(process.pid), 0
        while not select.select([ended], [], [], SAMPLE_INTERVAL)[0]:
            peak = max(peak, memory(process.pid))
        seconds = perf_counter() - started
        process.wait()
        os.close(ended)
        output.seek(0)
        errors.seek(0)
        if process.returncode != code:
            raise BenchmarkError(f"{arguments} failed:\n{errors.read().decode()[-2000:]}")
        lines = output.read().decode().splitlines()
    return Outcome(seconds, peak, loads(lines[-1]) if json and lines else {})


def memory(process: int) -> int:
    """The bytes in memory of a process and its descendants together; shared ones count once."""
    return sum(map(_proportional, _family(process)))


def _family(process: int) -> Iterator[int]:
    """The ids of a process and its descendants, without those that end meanwhile."""
    yield process
    with suppress(OSError):
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _family(int(child))


def _proportional(process: int) -> int:
    """The bytes a process has in memory, with its part of those shared with others."""
    with suppress(OSError, StopIteration):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return 1024 * int(next(line for line in rollup if line.startswith("Pss:")).split()[1])
    return 0


def variables() -> dict[str, str]:
    """The environment without Virgolette's settings, and with its packages."""
    kept = {n: v for n, v in os.environ.items() if not n.upper().startswith("VIRGOLETTE_")}
    return {**kept, "PYTHONPATH": str(ROOT)}
