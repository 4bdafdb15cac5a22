"""A text cut into sentences, as spans."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from index.text.borders import borders
from index.text.clean import is_boilerplate
from index.text.language import alternatives, vocabulary

MAX_RUN = 320  # characters of words without an end; in news 99.9 % of clauses are shorter
MAX_SENTENCE = 1200  # characters; of 8,400 sentences of news one is longer
_PAUSE = re.compile(r"[,;:…»”)\]–—]\s")
_STOPS = ".!?…:;"
_CLOSERS = "”“\"»’')]"
_WRAP_MIN_LINES = 3
_WRAP_WIDTHS = range(50, 101)


@dataclass(frozen=True, order=True)
class Span:
    """A half-open range of code points in a stored text."""

    start: int
    end: int


def sentences(text: str) -> list[Span]:
    """The sentences of a stored text, in order, without boilerplate and outer white space.

    A sentence runs over the end of a line only where the line plainly goes on in the next one.
    Words without stops, as of a transcript, are cut into parts of at most MAX_RUN characters.
    Together the spans hold every character that is neither white space nor part of a
    boilerplate line.
    """
    return [
        part
        for line in logical_lines(text)
        for sentence in _split_line(text, line)
        for part in _parts(text, sentence)
    ]


def ends_a_sentence(text: str) -> bool:
    """Whether the text ends as a sentence does: with a stop, and maybe a closing mark."""
    return text.rstrip().rstrip(_CLOSERS).rstrip().endswith(tuple(_STOPS))


def is_labelled_row(line: str) -> bool:
    """Whether a line is a row of a table that names its columns: "Comune: Bardi · Abitanti: 9"."""
    parts = line.split(" · ")
    return len(parts) > 1 and all(": " in part for part in parts)


def is_table_row(line: str) -> bool:
    """Whether a line has cells, divided by tabs or upright strokes."""
    return "|" in line or "\t" in line.strip()


def readable_blocks(text: str) -> Iterator[Span]:
    """Runs of lines that hold something and are no boilerplate: the text as a reader wants it."""
    return (Span(block[0].start, block[-1].end) for block in _blocks(text))


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
    if ends_a_sentence(line) or (is_table_row(line) and is_table_row(following)):
        return False
    if re.match(r"\s*[a-zà-öø-ÿ]", following) or line.rstrip().endswith(","):
        return True
    last = re.search(r"[^\W\d_]+$", line.rstrip())
    return last is not None and last[0] in vocabulary("stop_words")


def _split_line(text: str, line: Span) -> Iterator[Span]:
    content = text[line.start : line.end]
    for start, end in itertools.pairwise([0, *borders(content), len(content)]):
        piece = content[start:end]
        if stripped := piece.strip():
            first = line.start + start + len(piece) - len(piece.lstrip())
            yield Span(first, first + len(stripped))


def _parts(text: str, sentence: Span) -> Iterator[Span]:
    """The sentence, or its parts where it is a run of words that nobody has divided."""
    start, end = sentence.start, sentence.end
    if not _is_run(text[start:end]):
        yield sentence
        return
    while end - start > MAX_RUN:
        # Of what is longer than a part and shorter than two, both have enough to be read.
        length = min(MAX_RUN, (end - start) * 2 // 3)
        cut = start + _cut(text[start : start + length])
        yield Span(start, start + len(text[start:cut].rstrip()))
        start = end - len(text[cut:end].lstrip())
    yield Span(start, end)


def _is_run(sentence: str) -> bool:
    """Whether it is too long: without an end, between two marks, or altogether."""
    if len(sentence) <= MAX_RUN:
        return False
    clauses = _PAUSE.split(sentence)
    unmarked = max(map(len, clauses)) > 2 * MAX_RUN or not ends_a_sentence(sentence)
    return unmarked or len(sentence) > MAX_SENTENCE


def _cut(words: str) -> int:
    """Where to cut: after the last mark, else before the last conjunction, or word, if any."""
    half = len(words) // 2
    for border in (_PAUSE, _conjunction()):
        if ends := [match.end() for match in border.finditer(words, half)]:
            return ends[-1]
    space = max(words.rfind(white, half) for white in " \n\t\u00a0")
    return space if space > 0 else len(words)


@cache
def _conjunction() -> re.Pattern[str]:
    """The space before a word with which a clause may begin."""
    return re.compile(rf"\s(?={alternatives('leads_on')}\s)", re.IGNORECASE)
