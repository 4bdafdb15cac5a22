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

KNOWN = "vectors.sqlite3"  # what Virgolette calls its cache of vectors
MEGABYTE = 1_000_000
SAMPLED = 0.1  # seconds between two looks at the memory


class BenchmarkError(Exception):
    """Something that is measured did not do what it is measured for."""


@dataclass(frozen=True)
class Outcome:
    """A process that has ended.

    ``seconds`` from its start to its end, ``peak`` the most bytes in memory of it and its
    descendants together, seen ten times a second, ``told`` the JSON object it printed last.
    """

    seconds: float
    peak: int
    told: dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A folder with a corpus and a data folder, called as Virgolette expects them."""

    folder: Path

    @property
    def corpus(self) -> Path:
        return self.folder / "corpus"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def known(self) -> Path:
        """Vectors that are known before the first run."""
        return self.folder / KNOWN

    def empty(self) -> None:
        """A data folder without an index: the known vectors, if any, are there."""
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
        """The bytes that the index has on the disk; the cache of known vectors is beside it."""
        files = (self.data / "generations").rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())

    def ready(self) -> Outcome:
        """What imports what an index run imports before it needs the model."""
        return run(["-c", "import index.building.sync"], self.folder)


def pairs(
    runs: int, ours: Callable[[], Outcome], theirs: Callable[[], Outcome], *, warm: bool = True
) -> list[tuple[Outcome, Outcome]]:
    """Measure both by turns; the one that comes first changes too."""
    if warm:
        ours()
        theirs()
    measured = []
    for number in range(runs):
        if number % 2:
            other = theirs()
            measured.append((ours(), other))
        else:
            measured.append((ours(), theirs()))
    return measured


def run(
    arguments: Sequence[str], folder: Path, *, code: int = 0, json: bool = True, **settings: str
) -> Outcome:
    """Run Python in ``folder``, with these settings alone. Raises BenchmarkError.

    ``code``: what it has to end with; ``json``: whether what it prints last is told.
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
        while not select.select([ended], [], [], SAMPLED)[0]:
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
    """A process and its descendants, by number. Those that end meanwhile are left out."""
    yield process
    with suppress(OSError):
        for children in Path(f"/proc/{process}/task").glob("*/children"):
            for child in children.read_text().split():
                yield from _family(int(child))


def _proportional(process: int) -> int:
    """The bytes a process has in memory, of what it shares with others its part."""
    with suppress(OSError, StopIteration):
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        return 1024 * int(next(line for line in rollup if line.startswith("Pss:")).split()[1])
    return 0


def variables() -> dict[str, str]:
    """The environment without settings of Virgolette, and with its packages."""
    kept = {n: v for n, v in os.environ.items() if not n.upper().startswith("VIRGOLETTE_")}
    return {**kept, "PYTHONPATH": str(ROOT)}
