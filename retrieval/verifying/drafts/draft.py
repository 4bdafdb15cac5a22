"""Finds the quotations of a draft."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from index.text.sentences import Span
from index.text.wording import wording
from retrieval.verifying.claim import MIN_QUOTED_WORDS
from retrieval.verifying.drafts.blocks import in_blocks, in_dashes
from retrieval.verifying.drafts.scanner import Quoted, in_marks, paragraphs


def quotations(draft: str) -> list[Quoted]:
    """All quotations of a draft, in order; none is within another.

    Of nested ones the outer, unless that is a speech between dashes in which somebody is quoted.
    """
    typed = draft.replace("<<", " «").replace(">>", "» ")  # as long as before
    blocks = in_blocks(draft)
    lines = [line for line in paragraphs(draft) if not _touches(line, blocks)]
    marked, spoken = in_marks(typed, lines), in_dashes(draft, lines)
    long = [quoted for quoted in marked if len(wording(quoted.words(draft))) >= MIN_QUOTED_WORDS]
    spoken = [quoted for quoted in spoken if not (_cuts(quoted, marked) or _touches(quoted, long))]
    marked = [quoted for quoted in marked if not _touches(quoted, spoken)]
    return sorted([*blocks, *marked, *spoken], key=lambda quoted: quoted.start)


def _cuts(span: Quoted, quotations: Sequence[Quoted]) -> bool:
    """Whether an end of a span is within one of the quotations, or it begins with one."""
    ends = (Span(span.start, span.start + 2), Span(span.end - 1, span.end))
    return any(_touches(end, quotations) for end in ends)


def _touches(span: Span | Quoted, quotations: Sequence[Quoted]) -> bool:
    """Whether a span shares characters with one of the quotations, which are in order."""
    number = bisect_right(quotations, span.start, key=lambda quoted: quoted.end)
    return number < len(quotations) and quotations[number].start < span.end
