"""What an index run did, as JSON and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from index.text.clean import printable

if TYPE_CHECKING:
    from index.building.sync import Report

MAX_LINES = 50  # of a kind: nobody reads two thousand
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def report_json(report: Report) -> dict[str, Any]:
    """The documented content of ``virgolette index --json``."""
    return {
        "added": list(report.added),
        "changed": list(report.changed),
        "renamed": [{"from": old, "to": new} for old, new in report.renamed],
        "removed": list(report.removed),
        "skipped": [{"path": s.path, "reason": s.reason} for s in report.skipped],
        "embedded": report.embedded,
        "generation": report.generation,
        "anew": report.rebuilt_because or None,
    }


def report_lines(report: Report, listed: Collection[str] = ()) -> Iterator[str]:
    """A table of signs, kinds of change and articles; then totals.

    ``listed``: the added articles that another line already names.
    """
    kinds = (
        ("+", "added", [path for path in report.added if path not in listed]),
        ("~", "changed", list(report.changed)),
        ("→", "renamed", [f"{old} → {new}" for old, new in report.renamed]),
        ("-", "removed", list(report.removed)),
        ("!", "skipped", [f"{s.path}: {s.reason}" for s in report.skipped]),
    )
    for sign, kind, entries in kinds:
        yield from (row(sign, kind, entry) for entry in entries[:MAX_LINES])
        if len(entries) > MAX_LINES:
            yield row(sign, kind, f"and {len(entries) - MAX_LINES} more (--json lists all)")
    if report.rebuilt_because:
        yield f"The index was rebuilt: {report.rebuilt_because}."
    state = "nothing changed" if report.unchanged else f"{report.embedded} texts embedded"
    yield f"{report.articles} articles in the index, {state} (generation {report.generation})"


def row(sign: str, kind: str, entry: str) -> str:
    """One line of the table; no name can break it or control the terminal."""
    shown = printable(entry).replace("\n", _REPLACEMENT)
    return f"  {sign} {kind:<8} {shown}"
