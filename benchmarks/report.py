"""Reports what was measured, on what machine, and keeps it in docs/performance.md."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Self

from benchmarks.corpus import ROOT

PAGE = ROOT / "docs" / "performance.md"
HEADLINE = """# Performance

Each figure stands beside a baseline that was measured in the same run on the same machine: the
ratio is what to look at. Sections with a command are written by it.
"""


@dataclass(frozen=True)
class Figure:
    """One row of the table: a measurement beside its baseline, and whether it meets its target.

    ``met`` is None where there is no target.
    """

    name: str
    ours: str
    baseline: str
    ratio: float
    target: str
    met: bool | None

    @classmethod
    def at_most(cls, name: str, ours: str, baseline: str, ratio: float, limit: float) -> Self:
        """A figure whose target is an upper limit of the ratio."""
        return cls(name, ours, baseline, ratio, f"≤ {limit:g}", ratio <= limit)

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
    """The machine: processor, cores, memory, the model's data type, versions."""
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
    """Put a section between its markers in the page, instead of the one before."""
    begin, end = f"<!-- {name}: generated, begin -->", f"<!-- {name}: generated, end -->"
    section = f"{begin}\n{content}\n{end}"
    text = page.read_text(encoding="utf-8") if page.exists() else HEADLINE
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        text = f"{text}\n{section}\n"
    page.write_text(pattern.sub(lambda _: section, text), encoding="utf-8")


def _processor() -> str:
    match = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else platform.machine()
