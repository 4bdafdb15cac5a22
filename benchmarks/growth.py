"""What an index takes as it grows, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.corpus import ROOT
from benchmarks.processes import MEGABYTE, Outcome

PICTURE = ROOT / "docs" / "growth.svg"


@dataclass(frozen=True)
class Grown:
    """An index of so many articles: its build with known vectors, what ``warm`` told, its bytes."""

    articles: int
    build: Outcome
    warm: dict[str, Any]
    stored: int

    @property
    def passages(self) -> int:
        """How many passages the articles are."""
        return int(self.warm["passages"])

    @property
    def values(self) -> dict[str, float]:
        """What grows, by name."""
        return {
            "build, seconds (vectors known)": self.build.seconds,
            "an answer without the reader, ms": 1000 * self.warm["off"],
            "an answer with the reader, ms": 1000 * self.warm["reader"],
            "memory of a process that answers, MB": self.warm["memory"] / MEGABYTE,
            "memory of the build, MB": self.build.peak / MEGABYTE,
            "index on the disk, MB": self.stored / MEGABYTE,
        }


def growth_table(grown: Sequence[Grown]) -> str:
    """A Markdown table, a row a value."""
    sizes = " | ".join(f"{one.passages:,}" for one in grown)
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
    passages = [one.passages for one in grown]
    for name, marker in zip(grown[0].values, "osD^v*", strict=True):
        axes.loglog(passages, [one.values[name] for one in grown], marker=marker, label=name)
    axes.set_xlabel("passages")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize="small")
    picture.savefig(PICTURE, metadata={"Date": None})
    return f"![What grows with the number of passages]({PICTURE.name})"
