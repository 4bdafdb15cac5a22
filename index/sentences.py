"""A text cut into sentences, as spans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from simplemma import split_sentences

from index.boilerplate import is_boilerplate

# Abbreviations after which a sentence goes on; simplemma has none for Italian.
_ABBREVIATIONS = frozenset(
    """
    art arch avv cap cav cfr col com d.ssa dir dott dott.ssa dr dr.ssa ecc es fig gen geom
    ing lett max mar min mons n nr nn on p pag pagg par pp prof prof.ssa proff rag rev rif s
    sec sen sez sig sig.na sig.ra sigg sigg.re ss tel ten v vd vol mr mrs ms st vs etc inc
    ltd
    """.split()
)
_LAST_WORD = re.compile(r"(?:^|[\s(«“\"'’])([^\s(«“\"'’]+)\.$")
_NEXT_STARTS_LOW = re.compile(r"[\s«“\"'‘(]*[a-zà-öø-ÿ0-9]")
_LOOSE_STOP = re.compile(r"(?<=\s)[.!?][\s\u00a0]+(?=[«“\"‘(]?[A-ZÀ-ÖØ-Þ])")
_WRAP_MIN_LINES = 3
_WRAP_WIDTH = 100


@dataclass(frozen=True, order=True)
class Span:
    """A half-open range of code points in a stored text."""

    start: int
    end: int


def sentences(text: str, language: str | None = None) -> list[Span]:
    """The sentences of a stored text, in order, without boilerplate and outer white space.

    A sentence never runs over the end of a line, unless the paragraph is wrapped at a fixed
    width. Together the spans hold every character that is neither white space nor part of
    a boilerplate line.
    """
    return [
        span
        for line in _lines(text)
        if not is_boilerplate(text[line.start : line.end])
        for span in _split_line(text, line, language or "it")
    ]


def _lines(text: str) -> Iterator[Span]:
    """Lines that hold something; a paragraph wrapped at a fixed width counts as one line."""
    for block in re.finditer(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*", text):
        lines = list(re.finditer(r"[^\n]+", block[0]))
        if _is_wrapped([line[0] for line in lines]):
            yield Span(*block.span())
        else:
            for line in lines:
                yield Span(block.start() + line.start(), block.start() + line.end())


def _is_wrapped(lines: list[str]) -> bool:
    """Whether the lines look cut at a width: all but the last about as long, none very long."""
    lengths = [len(line.rstrip()) for line in lines]
    width = max(lengths)
    if len(lines) < _WRAP_MIN_LINES or width > _WRAP_WIDTH:
        return False
    longest_first_words = [len(line.split(maxsplit=1)[0]) for line in lines[1:]]
    return all(
        length + 1 + word > width
        for length, word in zip(lengths[:-1], longest_first_words, strict=True)
    )


def _split_line(text: str, line: Span, language: str) -> Iterator[Span]:
    start = line.start
    for end in [*_boundaries(text, line, language), line.end]:
        piece = text[start:end]
        stripped = piece.strip()
        if stripped:
            first = start + len(piece) - len(piece.lstrip())
            yield Span(first, first + len(stripped))
            start = end


def _boundaries(text: str, line: Span, language: str) -> list[int]:
    """Offsets in the text where a sentence of the line ends and another begins."""
    content = text[line.start : line.end]
    ends = {match.end() for match in _LOOSE_STOP.finditer(content)}
    at = 0
    for sentence in split_sentences(content, language):
        at = content.index(sentence, at) + len(sentence)
        if at < len(content.rstrip()) and not _goes_on(content[:at], content[at:]):
            ends.add(at)
    return sorted(line.start + end for end in ends)


def _goes_on(before: str, after: str) -> bool:
    """Whether the full stop between the two is an abbreviation's."""
    word = _LAST_WORD.search(before[-40:])
    if word is None:
        return False
    name = word[1].lower()
    if name in _ABBREVIATIONS:
        return True
    return "." in name and bool(_NEXT_STARTS_LOW.match(after))
