"""What has changed between two versions of a text, word by word, with what stands around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import accumulate

from rapidfuzz.distance import Levenshtein

from index.text.wording import Difference, differences

_MAX_BLOCK = 20_000  # characters of changed lines that are compared word by word
_CONTEXT = 60  # characters shown on both sides of a change


class Kind(Enum):
    """What became of words."""

    SAME = auto()
    REMOVED = auto()
    ADDED = auto()


@dataclass(frozen=True)
class Part:
    """Words of a change, on one line."""

    text: str
    kind: Kind


def text_differences(before: str, after: str) -> Iterator[Difference]:
    """The words that turn a text into another one, in order; lines first, then words in them.

    None where they differ in punctuation or white space alone.
    """
    lines, others = before.splitlines(keepends=True), after.splitlines(keepends=True)
    starts = list(accumulate(map(len, lines), initial=0))
    for step in Levenshtein.opcodes(lines, others):
        if step.tag != "equal":
            said = "".join(lines[step.src_start : step.src_end])
            written = "".join(others[step.dest_start : step.dest_end])
            start = starts[step.src_start]
            for found in _in_block(said, written):
                yield replace(found, start=found.start + start, end=found.end + start)


def changes(before: str, after: str) -> Iterator[list[Part]]:
    """The changes that turn a text into another one; those near each other are one."""
    group: list[Difference] = []
    for difference in text_differences(before, after):
        if group and difference.start - group[-1].end > _CONTEXT:
            yield _parts(before, group)
            group = []
        group.append(difference)
    if group:
        yield _parts(before, group)


def _in_block(said: str, written: str) -> Iterator[Difference]:
    if max(len(said), len(written)) <= _MAX_BLOCK:
        yield from differences(said, written)
    else:
        yield Difference(said.strip(), written.strip(), 0, len(said))


def _parts(text: str, group: Sequence[Difference]) -> list[Part]:
    first, last = group[0].start, group[-1].end
    parts, at = [Part(_beginning(text[max(first - _CONTEXT, 0) : first], first), Kind.SAME)], first
    for difference in group:
        said, written = difference.said, difference.written
        is_after_word = text[difference.start - 1 : difference.start].strip() != ""
        space = Part(" ", Kind.SAME)
        parts += [
            Part(text[at : difference.start], Kind.SAME),
            *[space] * (not said and is_after_word),
            Part(said, Kind.REMOVED),
            *[space] * bool(said and written),
            Part(written, Kind.ADDED),
            *[space] * (not said and not is_after_word),
        ]
        at = difference.end
    parts.append(Part(_end(text[last : last + _CONTEXT], len(text) - last), Kind.SAME))
    return [replace(part, text=_on_a_line(part.text)) for part in parts if part.text]


def _on_a_line(text: str) -> str:
    """The text with one space for all white space in a row."""
    words = text.split()
    before, after = (" " if edge.isspace() else "" for edge in (text[:1], text[-1:]))
    return f"{before}{' '.join(words)}{after}" if words else " "


def _beginning(context: str, length: int) -> str:
    """The whole words before a change, of the same line."""
    line = context.rpartition("\n")[2]
    if line == context and length > _CONTEXT:
        return f"… {line.partition(' ')[2]}"
    return line


def _end(context: str, length: int) -> str:
    line = context.partition("\n")[0]
    if line == context and length > _CONTEXT:
        return f"{line.rpartition(' ')[0]} …"
    return line
