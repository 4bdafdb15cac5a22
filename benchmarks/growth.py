"""The costs of a growing index, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.corpus import ROOT
from benchmarks.processes import MEGABYTE, Outcome

PICTURE = ROOT / "docs" / "growth.svg"


@dataclass(frozen=True)
class Grown:
    """An index of some size: its build with cached vectors, the result of ``warm``, its bytes."""

    articles: int
    build: Outcome
    warm: dict[str, Any]
    stored: int

    @property
    def passages(self) -> int:
        """The number of passages of the articles."""
        return int(self.warm["passages"])

    @property
    def values(self) -> dict[str, float]:
        """The measured values, by name."""
        return {
            "build, seconds (vectors known)": self.build.seconds,
            "an answer without the reader, ms": 1000 * self.warm["off"],
            "an answer with the reader, ms": 1000 * self.warm["reader"],
            "memory of a process that answers, MB": self.warm["memory"] / MEGABYTE,
            "memory of the build, MB": self.build.peak / MEGABYTE,
            "index on the disk, MB": self.stored / MEGABYTE,
        }


def growth_table(grown: Sequence[Grown]) -> str:
    """A Markdown table with a row for each value."""
    sizes = " | ".join(f"{g.passages:,}" for g in grown)
    head = [f"| passages | {sizes} |", f"|{' --- |' * (len(grown) + 1)}"]
    rows = [
        f"| {name} | {' | '.join(f'{g.values[name]:,.3g}' for g in grown)} |"
        for name in grown[0].values
    ]
    return "\n".join([*head, *rows])


def plot(grown: Sequence[Grown]) -> str:
    """Draw the values over the number of passages; the Markdown that shows the picture."""
    from matplotlib.figure import Figure as Picture

    picture = Picture(figsize=(8, 5), layout="constrained")
    axes = picture.subplots()
    passages = [g.passages for g in grown]
    for name, marker in zip(grown[0].values, "osD^v*", strict=True):
        axes.loglog(passages, [g.values[name] for g in grown], marker=marker, label=name)
    axes.set_xlabel("passages")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize="small")
    picture.savefig(PICTURE, metadata={"Date": None})
    return f"![What grows with the number of passages]({PICTURE.name})"
