"""Tells what was measured, on what machine, and keeps it in docs/performance.md."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.corpus import ROOT

PAGE = ROOT / "docs" / "performance.md"
HEADLINE = """# Performance

Each figure stands beside a baseline that was measured in the same run on the same machine: the
ratio is what to look at. Sections with a command are written by it.
"""


@dataclass(frozen=True)
class Figure:
    """One row of the table: what was measured beside what, as told, and whether it is enough.

    ``met`` is None where there is no target.
    """

    name: str
    ours: str
    baseline: str
    ratio: float
    target: str
    met: bool | None

    def row(self) -> str:
        """The row in Markdown."""
        verdict = {True: "met", False: "**failed**", None: ""}[self.met]
        cells = (self.name, self.ours, self.baseline, f"{self.ratio:.3g}", self.target, verdict)
        return f"| {' | '.join(cells)} |"


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    head = ["| figure | Virgolette | baseline | ratio | target | |", f"|{' --- |' * 6}"]
    return "\n".join([*head, *(figure.row() for figure in figures)])


def machine(dtype: str, packages: Sequence[str]) -> str:
    """What it ran on: processor, cores, memory, numbers the model computes in, versions."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{name} {version(name)}" for name in packages]
    return (
        f"{_processor()}, {cores} cores, {memory:.0f} GiB, model in {dtype}; "
        f"{platform.system()} {platform.release()}, {', '.join(versions)}. "
        f"Load average at the end, this run's own included: {os.getloadavg()[0]:.1f}; "
        f"{datetime.now(UTC):%Y-%m-%d}."
    )


def write_section(name: str, content: str, page: Path = PAGE) -> None:
    """Put a section between its markers in the page, in the place of the one before."""
    begin, end = f"<!-- {name}: generated, begin -->", f"<!-- {name}: generated, end -->"
    section = f"{begin}\n{content}\n{end}"
    text = page.read_text(encoding="utf-8") if page.exists() else HEADLINE
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        text = f"{text}\n{section}\n"
    page.write_text(pattern.sub(lambda _: section, text), encoding="utf-8")


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()
