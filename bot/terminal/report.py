"""The state of the index and what a run did, as JSON and as lines for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.terminal.output import localized
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
        "notes": [{"path": n.path, "note": n.text} for n in report.notes],
        "embedded": report.embedded,
        "generation": report.generation,
        "anew": report.rebuilt_because or None,
    }


def report_lines(report: Report, listed: Collection[str] = ()) -> Iterator[str]:
    """A table of signs, kinds of change and articles; then totals.

    ``listed``: the added and changed articles that other lines already tell of.
    """
    kinds = (
        ("+", "added", [path for path in report.added if path not in listed]),
        ("~", "changed", [path for path in report.changed if path not in listed]),
        ("→", "renamed", [f"{old} → {new}" for old, new in report.renamed]),
        ("-", "removed", list(report.removed)),
        ("!", "skipped", [f"{s.path}: {localized(s.reason)}" for s in report.skipped]),
        (
            "?",
            "note",
            [f"{n.path}: {localized(n.text)}" for n in report.notes if n.path not in listed],
        ),
    )
    yield from table(kinds)
    if report.rebuilt_because:
        yield localized(f"The index was rebuilt: {report.rebuilt_because}.")
    state = "nothing changed" if report.unchanged else f"{report.embedded} texts embedded"
    yield localized(
        f"articles in the index: {report.articles}, {state} (generation {report.generation})"
    )


def table(kinds: Iterable[tuple[str, str, Sequence[str]]]) -> Iterator[str]:
    """The first entries of each kind in a line, with its sign and name; then how many are left."""
    for sign, kind, entries in kinds:
        yield from (row(sign, kind, entry) for entry in entries[:MAX_LINES])
        if len(entries) > MAX_LINES:
            more = f"and {len(entries) - MAX_LINES} more (--json lists all)"
            yield row(sign, kind, localized(more))


def status_lines(content: Mapping[str, Any]) -> Iterator[str]:
    """A table of names and values."""
    words = {"True": "yes", "False": "no", "None": "–"}
    for name, value in content.items():
        label = {"near_twins": "near twins", "skipped": "left out"}.get(name, name)
        is_sentence = name in ("bot", "chat", "calibrated")
        shown = words.get(str(value), str(value))
        yield f"{localized(label):<12} {localized(shown) if is_sentence else shown}"


def row(sign: str, kind: str, entry: str) -> str:
    """One line of the table; no name can break it or control the terminal."""
    shown = printable(entry).replace("\n", _REPLACEMENT)
    return f"  {sign} {localized(kind):<8} {shown}"
