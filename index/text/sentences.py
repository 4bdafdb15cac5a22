"""A text cut into sentences, as spans."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from index.text.clean import is_boilerplate
from index.text.language import vocabulary

_LAST_WORD = re.compile(r"(?:^|[\s(«“\"'’])([^\s(«“\"'’]+)\.$")
_NEXT_STARTS_LOW = re.compile(r"[\s«“\"'‘(]*[a-zà-öø-ÿ0-9]")
_LOOSE_STOP = re.compile(r"(?<=\s)[.!?][\s\u00a0]+(?=[«“\"‘(]?[A-ZÀ-ÖØ-Þ])")
_STOPS = ".!?…:;"
_CLOSERS = "”“\"»’')]"
_WRAP_MIN_LINES = 3
_WRAP_WIDTHS = range(50, 101)


@dataclass(frozen=True, order=True)
class Span:
    """A half-open range of code points in a stored text."""

    start: int
    end: int


def sentences(text: str, language: str | None = None) -> list[Span]:
    """The sentences of a stored text, in order, without boilerplate and outer white space.

    A sentence runs over the end of a line only where the line plainly goes on in the next one.
    Together the spans hold every character that is neither white space nor part of a
    boilerplate line.
    """
    return [
        span for line in logical_lines(text) for span in _split_line(text, line, language or "it")
    ]


def ends_a_sentence(text: str) -> bool:
    """Whether the text ends as a sentence does: with a stop, and maybe a closing mark."""
    return text.rstrip().rstrip(_CLOSERS).rstrip().endswith(tuple(_STOPS))


def logical_lines(text: str) -> Iterator[Span]:
    """Lines that hold something and are no boilerplate, joined where one goes on in the next."""
    for block in _blocks(text):
        wrapped = _is_wrapped([text[line.start : line.end] for line in block])
        first = block[0]
        for before, line in itertools.pairwise(block):
            one, other = text[before.start : before.end], text[line.start : line.end]
            if not wrapped and not _continues(one, other):
                yield Span(first.start, before.end)
                first = line
        yield Span(first.start, block[-1].end)


def _blocks(text: str) -> Iterator[list[Span]]:
    """Runs of lines without an empty or a boilerplate line between them."""
    block: list[Span] = []
    for match in re.finditer(r"[^\n]*\n?", text):
        line = match[0]
        if line.strip() and not is_boilerplate(line):
            block.append(Span(match.start(), match.start() + len(line.rstrip("\n"))))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _is_wrapped(lines: list[str]) -> bool:
    """Whether the lines look cut at a width: no next word would have fitted on any of them."""
    lengths = [len(line.rstrip()) for line in lines]
    widest = max(lengths)
    if len(lines) < _WRAP_MIN_LINES or widest not in _WRAP_WIDTHS:
        return False
    next_words = [len(line.split(maxsplit=1)[0]) for line in lines[1:]]
    return all(
        length + 1 + word > widest for length, word in zip(lengths[:-1], next_words, strict=True)
    )


def _continues(line: str, following: str) -> bool:
    """Whether a line goes on in the following one: no stop, then a small letter or a loose end."""
    if ends_a_sentence(line):
        return False
    if re.match(r"\s*[a-zà-öø-ÿ]", following) or line.rstrip().endswith(","):
        return True
    last = re.search(r"[^\W\d_]+$", line.rstrip())
    return last is not None and last[0] in vocabulary("stop_words")


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
    from simplemma import split_sentences

    content = text[line.start : line.end]
    ends = {match.end() for match in _LOOSE_STOP.finditer(content)}
    at, last = 0, len(content.rstrip())
    for sentence in split_sentences(content, language):
        at = content.index(sentence, at) + len(sentence)
        if at < last and not _goes_on(content, at):
            ends.add(at)
    return sorted(line.start + end for end in ends)


def _goes_on(content: str, at: int) -> bool:
    """Whether the full stop before ``at`` is an abbreviation's. Slices keep long lines quick."""
    word = _LAST_WORD.search(content[max(at - 40, 0) : at])
    if word is None:
        return False
    name = word[1].lower()
    if name in vocabulary("abbreviations"):
        return True
    return "." in name and bool(_NEXT_STARTS_LOW.match(content, at))
