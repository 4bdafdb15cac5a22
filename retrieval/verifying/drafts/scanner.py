"""Finds what a draft puts in quotation marks, whichever it uses, as spans of its text."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from index.text.language import languages
from index.text.sentences import Span, logical_lines

_CLOSERS = {
    "«": "»", "“": '”"', "„": '“”‟"', "‚": "‘’", "‹": "›", "❝": "❞", "‟": "”",
    "»": "«", "›": "‹", "”": "”", '"': '"', "‘": "’", "'": "'",
}  # fmt: skip
_MARKS = frozenset(_CLOSERS) | frozenset("".join(_CLOSERS.values()))
_EITHER = frozenset("»›”\"‘'")  # they open only where a word begins
_SINGLE = frozenset("‘'’")  # apostrophes, too
_UNSEEN = str.maketrans("*_", "\u200b\u200b")
_BEFORE = frozenset("([{—–-/…:;,=>*_") | frozenset("«“„‚‹❝‟\"'‘»›”")
_LEFT = "".join(_BEFORE)
_MAX_DEPTH = 8  # marks within one another
_AHEAD = 4  # paragraphs in which a mark that opens may close
_REACH = 3000  # characters in which an apostrophe that opens has to close
_LONGEST = 20  # letters of a word before an apostrophe
_CUT = frozenset(  # words without their beginning
    "cause em n ndrangheta ndranghetista sta ste sti sto til tis twas".split()
)
_CLIPPED = frozenset(  # words that end with an apostrophe: not a mark, unless nothing else closes
    "a be ca co da de di e fa fe giu mo ne o pe pie po prendi pro sta su to tra va ve vo".split()
)


@dataclass(frozen=True)
class Quoted:
    """``draft[start:end]``, without its marks.

    ``breaks``: what stands in it and is no part of it: marks that a paragraph repeats, and the ">"
    of lines. ``closed``: whether its closing mark is there. ``marked``: whether it has marks, and
    does not stand between dashes or in a block.
    """

    start: int
    end: int
    breaks: tuple[Span, ...] = ()
    closed: bool = True
    marked: bool = True

    def words(self, draft: str) -> str:
        """The quotation, with blanks for its breaks, and without the signs of Markdown's emphasis.

        Offsets in it are those in the draft.
        """
        text = draft[self.start : self.end].translate(_UNSEEN)
        for gap in self.breaks:
            first, last = gap.start - self.start, gap.end - self.start
            text = f"{text[:first]}{' ' * (last - first)}{text[last:]}"
        return text


def in_marks(draft: str, lines: Sequence[Span]) -> list[Quoted]:
    """The quotations between marks in the paragraphs of a draft, in order.

    Of nested ones the outer. A mark that nothing closes ends with its paragraph, or where the same
    one opens again.
    """
    found: list[Quoted] = []
    scan = _Scan(draft)
    for number, line in enumerate(lines, 1):
        found += scan.paragraph(line, lines[number : number + _AHEAD])
    return found


def _begins(after: str) -> bool:
    """Whether words or marks may begin with a character, or an ellipsis: no stop, and no space."""
    return not after.isspace() and after not in ",.;:!?)]}»”"


def paragraphs(draft: str) -> list[Span]:
    """The paragraphs of a draft: its lines, joined where one goes on in the next."""
    return list(logical_lines(draft))


@cache
def _unaccented() -> frozenset[str]:
    """Words that are written without their accent, as "citta"."""
    return frozenset[str]().union(*(language.spellings for language in languages()))


@dataclass
class _Scan:
    """Goes through paragraphs with the marks that are open, the outer one first."""

    draft: str
    open: list[tuple[str, int]] = field(default_factory=list)  # with the offset after each
    breaks: list[Span] = field(default_factory=list)
    within: list[Span] = field(default_factory=list)  # closed, directly in a mark like their own
    ahead: dict[str, tuple[int, bool]] = field(default_factory=dict)  # see _closes_later

    def paragraph(self, line: Span, following: Sequence[Span]) -> Iterator[Quoted]:
        for at in range(self._resume(line), line.end):
            mark = self.draft[at]
            if mark not in _MARKS:
                continue
            if (depth := self._closing(mark, at, line)) is not None:
                yield from self._close(depth, at)
            elif self._opens(mark, at, line):
                if mark in _EITHER and any(opener == mark for opener, _ in self.open):
                    yield from self._give_up(at)  # such a mark does not stand within itself
                if len(self.open) < _MAX_DEPTH:
                    self.open.append((mark, at + 1))
        if self.open and not self._goes_on(following):
            yield from self._give_up(line.end)

    def _resume(self, line: Span) -> int:
        """Where the paragraph goes on with what is open: after the mark that it repeats."""
        if self.open:
            outer = self.open[0][0]
            if self.draft[line.start] in (outer, *_CLOSERS[outer]):
                self.breaks.append(Span(line.start, line.start + 1))
                return line.start + 1
        return line.start

    def _closing(self, mark: str, at: int, line: Span) -> int | None:
        """The depth of the open mark that this one closes."""
        before, after = self._around(at, line)
        for depth in range(len(self.open) - 1, -1, -1):
            opener = self.open[depth][0]
            if mark not in _CLOSERS[opener] and not (mark == opener == "“"):
                continue
            if mark in _SINGLE and not self._may_close(at, line):
                continue
            if mark == opener and before.isspace() and _begins(after):
                continue
            if mark == '"' != opener and not before.isalpha():
                continue
            if mark == opener and mark not in _EITHER and (after.isalnum() or before in _BEFORE):
                continue
            return depth
        return None

    def _opens(self, mark: str, at: int, line: Span) -> bool:
        before, after = self._around(at, line)
        begins = (before.isspace() or before in _BEFORE) and _begins(after)
        if mark not in _CLOSERS or (after.isspace() and not before.isspace()):
            return False
        if (mark == "“" and before.isalnum()) or (mark in _EITHER and not begins):
            return False
        if mark not in _SINGLE:
            return True
        word = "".join(itertools.takewhile(str.isalpha, self.draft[at + 1 : at + _LONGEST])).lower()
        if after.isdecimal() or word in _CUT:  # '23, 'sto
            return False
        return self._closes_later(mark, at, line)

    def _closes_later(self, mark: str, at: int, line: Span) -> bool:
        """Whether an apostrophe that opens is closed. No character is looked at twice.

        ``ahead`` has how far that is known of a mark, and whether it is closed there.
        """
        known, closes = self.ahead.get(mark, (0, False))
        first, last = max(known, at + 2), min(at + _REACH, line.end)
        if closes and known >= at + 2:
            return known < last
        for n in range(first, last):
            if self.draft[n] in _CLOSERS[mark] and self._may_close(n, line):
                self.ahead[mark] = n, True
                return True
        self.ahead[mark] = max(first, last), False
        return False

    def _around(self, at: int, line: Span) -> tuple[str, str]:
        before = self.draft[at - 1] if at > line.start else " "
        return before, self.draft[at + 1] if at + 1 < line.end else " "

    def _close(self, depth: int, at: int) -> Iterator[Quoted]:
        mark, start = self.open[depth]
        del self.open[depth:]
        if not self.open:
            yield from self._quoted(start, at, closed=True)
            self._forget()
        elif depth == 1 and mark == self.open[0][0]:
            self.within.append(Span(start, at))

    def _give_up(self, end: int) -> Iterator[Quoted]:
        """What is open ends here, or where its mark opens again; an apostrophe was no mark."""
        mark = self.open[0][0]
        if mark not in _SINGLE:
            unclosed = [Span(start, end) for opener, start in self.open if opener == mark]
            closed = set(self.within)
            spans = sorted([*unclosed, *closed], key=lambda span: span.start)
            for span, following in itertools.zip_longest(spans, spans[1:]):
                is_closed = span in closed
                last = span.end if is_closed or not following else following.start - 1
                yield from self._quoted(span.start, last, closed=is_closed)
        self._forget()

    def _quoted(self, start: int, end: int, *, closed: bool) -> Iterator[Quoted]:
        while end - start > 1 and self.draft[start] == self.draft[end - 1] == "'":  # ''so''
            start, end = start + 1, end - 1
        inside = self.draft[start:end]
        if inside.strip():
            first, last = start + len(inside) - len(inside.lstrip()), start + len(inside.rstrip())
            breaks = tuple(gap for gap in self.breaks if first <= gap.start < last)
            yield Quoted(first, last, breaks, closed)

    def _forget(self) -> None:
        for part in (self.open, self.breaks, self.within):
            part.clear()

    def _goes_on(self, following: Sequence[Span]) -> bool:
        """Whether a next paragraph repeats the outer mark, or closes it before it opens again."""
        mark = self.open[0][0]
        if mark in _SINGLE or not following:
            return False
        if self.draft[following[0].start] == mark:
            return True
        for line in following:
            at = min(self._find(each, line) for each in (mark, *_CLOSERS[mark]))
            if at < line.end:
                after = self._around(at, line)[1]
                return not _begins(after) if mark in _EITHER else self.draft[at] != mark
        return False

    def _find(self, mark: str, line: Span) -> int:
        at = self.draft.find(mark, line.start, line.end)
        return line.end if at < 0 else at

    def _may_close(self, at: int, line: Span) -> bool:
        """Whether an apostrophe may be a mark: not in a word, nor after one: po’, workers’."""
        before, after = self._around(at, line)
        if before.isspace() or after.isalnum():
            return False
        word = self.draft[max(at - _LONGEST, line.start) : at].split()[-1:]
        letters = word[0].strip(_LEFT).lower() if word else ""
        if letters in _CLIPPED or letters in _unaccented():  # gia'
            return False
        plural = letters.endswith("s") and self.draft[at + 1 : at + 3].strip().islower()
        return not (plural and self._closed_again(at, line))

    def _closed_again(self, at: int, line: Span) -> bool:
        """Whether another such mark closes after this one before one opens."""
        for n in range(at + 1, min(at + _REACH, line.end)):
            if self.draft[n] in _SINGLE:
                before, after = self._around(n, line)
                return not before.isspace() and not after.isalnum()
        return False
