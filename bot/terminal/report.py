"""What an index run did, as JSON and as lines for a terminal."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from index.building.sync import Report


MOST_LINES = 50  # of a kind: nobody reads two thousand


def report_json(report: Report) -> dict[str, Any]:
    """The keys that ``virgolette index --json`` promises."""
    return {
        "added": list(report.added),
        "changed": list(report.changed),
        "renamed": [{"from": old, "to": new} for old, new in report.renamed],
        "removed": list(report.removed),
        "skipped": [{"path": s.path, "reason": s.reason} for s in report.skipped],
        "embedded": report.embedded,
        "generation": report.generation,
        "anew": report.anew or None,
    }


def report_lines(report: Report, told: Collection[str] = ()) -> Iterator[str]:
    """A table: sign, what happened, to which article; then the sum.

    ``told``: the articles added of which a line tells already.
    """
    kinds = (
        ("+", "added", [path for path in report.added if path not in told]),
        ("~", "changed", list(report.changed)),
        ("→", "renamed", [f"{old} → {new}" for old, new in report.renamed]),
        ("-", "removed", list(report.removed)),
        ("!", "skipped", [f"{s.path}: {s.reason}" for s in report.skipped]),
    )
    for sign, kind, entries in kinds:
        yield from (row(sign, kind, entry) for entry in entries[:MOST_LINES])
        if len(entries) > MOST_LINES:
            yield row(sign, kind, f"and {len(entries) - MOST_LINES} more (--json lists all)")
    if report.anew:
        yield f"The index was built anew: {report.anew}."
    state = "nothing changed" if report.unchanged else f"{report.embedded} texts embedded"
    yield f"{report.articles} articles in the index, {state} (generation {report.generation})"


def row(sign: str, kind: str, entry: str) -> str:
    """One line of the table; what a name holds cannot break it or steer the terminal."""
    shown = printable(entry).replace("\n", "\N{REPLACEMENT CHARACTER}")
    return f"  {sign} {kind:<8} {shown}"


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """The text without control characters, which could steer the terminal it is shown on."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
