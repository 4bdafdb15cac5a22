"""Runs what is measured, each in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.corpus import ROOT

KNOWN = "vectors.sqlite3"  # what Virgolette calls its cache of vectors
MEGABYTE = 1_000_000


class BenchmarkError(Exception):
    """Something that is measured did not do what it is measured for."""


@dataclass(frozen=True)
class Outcome:
    """A process that has ended.

    ``seconds`` from its start to its end, ``peak`` the resident bytes of the largest of it
    and its children, ``told`` the JSON object it printed last.
    """

    seconds: float
    peak: int
    told: dict[str, Any]


@dataclass(frozen=True)
class Place:
    """A folder with a corpus and a data folder, called as Virgolette expects them."""

    folder: Path
    models: Path

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
        """A data folder without an index: the unpacked model and the known vectors, if any."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(parents=True)
        (self.data / "models").symlink_to(self.models)
        if self.known.exists():
            shutil.copy(self.known, self.data / KNOWN)

    def index(self) -> Outcome:
        """``virgolette index``."""
        return run(["-m", "bot.cli", "index", "--json"], self.folder)

    def part(self, name: str, *arguments: object) -> Outcome:
        """One of ``benchmarks.parts``."""
        return run(["-m", "benchmarks.parts", name, *map(str, arguments)], self.folder)

    def nothing(self) -> Outcome:
        """Python itself."""
        return run(["-c", "pass"], self.folder)


def run(arguments: Sequence[str], folder: Path) -> Outcome:
    """Run Python in ``folder``, without settings from outside. Raises BenchmarkError.

    Linux counts what the parent held when it forked as the child's peak: this process has
    to stay small, and everything large is done by others.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, env=_variables(), stdout=output, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            raise BenchmarkError(f"{arguments} failed:\n{errors.read().decode()[-2000:]}")
        lines = output.read().decode().splitlines()
    return Outcome(seconds, used.ru_maxrss * 1024, json.loads(lines[-1]) if lines else {})


def _variables() -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.upper().startswith("VIRGOLETTE_")}
    return {**kept, "PYTHONPATH": str(ROOT)}
