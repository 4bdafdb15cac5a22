"""Finds quotations that have no marks: block quotations (">") and dialogue between dashes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from index.text.language import pattern
from index.text.sentences import Span
from retrieval.verifying.drafts.scanner import Quoted

_DASHES = ("–", "—", "―", "--", "-")
_NEAR = 60  # characters between a dash and the verb that tells who speaks
_ENDS = ".?!…:»”"


def in_blocks(draft: str) -> list[Quoted]:
    """The runs of lines that begin with ">", without a last line that names their author."""
    lines = []
    at = 0
    for line in draft.splitlines(keepends=True):
        lines.append(Span(at, at + len(line.rstrip("\n"))))
        at += len(line)
    blocks: list[Quoted] = []
    for is_block, run in itertools.groupby(lines, key=lambda line: _depth(draft, line) > 0):
        if is_block:
            blocks += _block(draft, list(run))
    return blocks


def _depth(draft: str, line: Span) -> int:
    """The length of what begins a line of a block quotation; 0 in front of any other."""
    text = draft[line.start : line.end]
    if not text.lstrip(" ").startswith(">"):
        return 0
    return len(text) - len(text.lstrip("> "))


def _block(draft: str, lines: list[Span]) -> Iterator[Quoted]:
    inner = [Span(line.start + _depth(draft, line), line.end) for line in lines]
    inner = [line for line in inner if draft[line.start : line.end].strip()]
    if len(inner) > 1 and draft.startswith(_DASHES, inner[-1].start):
        inner.pop()
    if inner:
        breaks = [Span(before.end, line.start) for before, line in itertools.pairwise(inner)]
        yield Quoted(inner[0].start, inner[-1].end, tuple(breaks), marked=False)


def in_dashes(draft: str, lines: Sequence[Span]) -> list[Quoted]:
    """What is said between dashes: "– No –, ha detto Rossi. – Non firmo."

    A paragraph of a dash and words, without anybody who speaks, is one of a dialogue only in a row
    with others; otherwise it is an item of a list.
    """
    found: list[Quoted] = []
    for begins, row in itertools.groupby(lines, lambda line: draft.startswith(_DASHES, line.start)):
        paragraphs = list(row)
        spoken = [list(_spoken(draft, line)) for line in paragraphs]
        for line, quotes in zip(paragraphs, spoken, strict=True):
            dashes = [] if quotes else _dashes(draft, line)
            if begins and any(spoken) and len(dashes) == 1:
                quotes.append(_between(draft, dashes[0].end, line.end))
        found += itertools.chain(*spoken)
    return found


def _spoken(draft: str, line: Span) -> Iterator[Quoted]:
    """The speech in a paragraph: between a dash that opens and one behind which somebody speaks.

    Behind a comma or a question, a dash closes what the dash at the beginning has opened.
    """
    dashes, at, resumes = _dashes(draft, line), 0, False
    while at < len(dashes):
        opening, closing = dashes[at], dashes[at + 1] if at + 1 < len(dashes) else None
        before = draft[max(line.start, opening.start - _NEAR) : opening.start].rstrip()
        if not (resumes or not before or before.endswith(tuple(_ENDS))):
            at += 1
            continue
        after = draft[closing.end : min(closing.end + _NEAR, line.end)] if closing else ""
        inside = draft[opening.end : closing.start if closing else line.end].rstrip()
        spoken = pattern("speaks").search(after) is not None
        spoken |= not before and inside.endswith((",", "?", "!")) and after.lstrip()[:1].islower()
        introduced = before.endswith(":") and pattern("speaks").search(before)
        if spoken or resumes or introduced:
            yield _between(draft, opening.end, closing.start if closing else line.end)
            resumes, at = spoken, at + 1
        at += 1


def _dashes(draft: str, line: Span) -> list[Span]:
    """The dashes that stand after white space or before it, or before a stop."""
    found, at = [], line.start
    while at < line.end:
        dash = next((dash for dash in _DASHES if draft.startswith(dash, at)), "")
        if dash:
            before = " " if at == line.start else draft[at - 1]
            after = draft[at + len(dash) : at + len(dash) + 1] or " "
            ends = after.isspace() or after in ",.;:!?"
            if (before.isspace() and dash != "-") or ends:
                found.append(Span(at, at + len(dash)))
        at += len(dash) or 1
    return found


def _between(draft: str, start: int, end: int) -> Quoted:
    inside = draft[start:end]
    words = inside.rstrip(" \n\t,")
    if words.endswith(".") and not words.endswith(".."):
        words = words[:-1]
    first, last = start + len(inside) - len(inside.lstrip()), start + len(words)
    return Quoted(first, max(first, last), marked=False)
