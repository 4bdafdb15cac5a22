"""A message of Telegram in Markdown, as ``docs/conversation.md`` shows it."""

from __future__ import annotations

import re
from typing import Any

MARKS = {"bold": "**", "italic": "*", "code": "`"}
LIST_ITEM = re.compile(r"^(\d*)([.-] )")  # which Markdown would number and indent

Json = dict[str, Any]


def escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    for mark in ("\\", "*", "_", "`"):
        text = text.replace(mark, f"\\{mark}")
    return text.replace("<", "&lt;").replace(">", "&gt;")


def rendered(text: str, entities: list[Json]) -> list[str]:
    """The lines of a message in Markdown: block quotations, bold and links as Telegram has them."""
    units = text.encode("utf-16-le")

    def position(unit: int) -> int:
        return len(units[: 2 * unit].decode("utf-16-le"))

    spans = [(position(e["offset"]), position(e["offset"] + e["length"]), e) for e in entities]
    lines, start, inside = [], 0, False
    for line in text.split("\n"):
        end = start + len(line)
        here = [(max(a, start), min(b, end), e) for a, b, e in spans if a < end and b > start]
        quotes = [e for *_, e in here if e["type"].endswith("blockquote")]
        if bool(quotes) != inside and lines and lines[-1]:
            lines.append("")  # else Markdown takes the line into the quotation
        inside = bool(quotes)
        folded = " *(folded)*" * any(e["type"].startswith("expandable") for e in quotes)
        shown = styled(text, start, end, here)
        lines.append(f"> {shown}{folded}" if inside else LIST_ITEM.sub(r"\1\\\2", shown))
        start = end + 1
    return hard_breaks(lines)


def styled(text: str, start: int, end: int, spans: list[tuple[int, int, Json]]) -> str:
    """A line with the marks of its entities."""
    marks: list[tuple[int, str]] = []
    for first, last, entity in spans:
        mark = "`" if entity["type"] == "pre" else MARKS.get(entity["type"])
        if entity["type"] == "text_link":
            marks = [*marks, (first, "["), (last, f"](<{entity['url']}>)")]
        elif mark:
            piece = text[first:last]
            first += len(piece) - len(piece.lstrip())
            last -= len(piece) - len(piece.rstrip())
            marks = [*marks, (first, mark), (last, mark)] if first < last else marks
    shown, at = "", start
    for where, mark in sorted(marks, key=lambda pair: pair[0]):
        shown += escaped(text[at:where]) + mark
        at = where
    return shown + escaped(text[at:end])


def hard_breaks(lines: list[str]) -> list[str]:
    """Lines of which Markdown keeps the ends."""
    following = [*lines[1:], ""]
    return [
        f"{line}\\" if line and after else line
        for line, after in zip(lines, following, strict=True)
    ]
