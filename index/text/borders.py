"""Which stops end a sentence: a logistic regression over what stands around a stop.

The evidence is that of Punkt (Kiss and Strunk, "Unsupervised Multilingual Sentence Boundary
Detection", Computational Linguistics 32(4), 2006): the kind of the word before, and whether the
word after it is one that begins sentences. ``training.borders`` fits the weights to borders that
were marked by hand.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import cache, lru_cache
from pathlib import Path

from index.text.language import vocabulary

WEIGHTS = Path(__file__).with_name("borders.npz")
REACH = 40  # characters before and after a stop that count
FAR = 300  # characters before a stop in which a bracket or a quotation mark may be open
MAX_INITIALS = 5  # letters of a word in which each has a stop
_STOP = re.compile(
    r"(?<![.!?…])[.!?…]++(?:(?:[”“\"»«’')\]]|\s[»”])*(?=\s)|[»”]?(?=[«“\"(]?[A-ZÀ-ÖØ-Þ][^\W\d_]))"
)
_AFTER = re.compile(r"\s*([^\w\s]*)\s*(\w*[’']?)([.,]?)")
_SPACED_QUOTE = re.compile(r'\s"(?=[\s.,;:)]|$)')
_ENCLOSED = (("(", ")"), ("[", "]"), ("«", "»"), ("“", "”"))
_VOWELS = "aeiouyàèéìòù"
_OPENERS = "«“\"‘'„"


@dataclass(frozen=True)
class Stop:
    """What stands around a stop, each in kinds. The regression weighs them alone and in pairs.

    ``word``: the abbreviation before it, "" for other words; ``second``: the word before that;
    ``inside``: the bracket or quotation mark that is open; ``case``: of the letters of the line.
    """

    stop: str
    closing: str
    before: str
    word: str
    second: str
    after: str
    opening: str
    inside: str
    case: str


@dataclass(frozen=True)
class Learnt:
    """``weights`` of features. ``starters`` begin sentences; ``names`` have capitals elsewhere too.

    ``plain``: words in small letters that end like abbreviations, as "film".
    """

    weights: Mapping[str, float]
    starters: frozenset[str]
    names: frozenset[str]
    plain: frozenset[str]


def borders(line: str) -> list[int]:
    """The offsets in a line at which a sentence ends and another one begins."""
    return [end for end, stop in stops(line, learnt()) if _score(stop) > 0]


def stops(line: str, learnt: Learnt) -> Iterator[tuple[int, Stop]]:
    """Where a sentence may end, in order: an offset behind closing marks, and what is around it."""
    case, last = _case(line), len(line.rstrip())
    at = quotes = 0
    for match in _STOP.finditer(line):
        start, end = match.span()
        quotes += line.count('"', at, start)
        at = start
        if quotes % 2 and (spaced := _SPACED_QUOTE.match(line, end)):
            end = spaced.end()
        if end < last:
            yield end, _around(line, start, end, case, quotes % 2 == 1, learnt)


def features(stop: Stop) -> list[str]:
    """The kinds, and each two of them."""
    named = [f"{n}{kind}" for n, kind in enumerate(astuple(stop))]
    return named + [f"{one}&{other}" for one, other in itertools.combinations(named, 2)]


@cache
def learnt() -> Learnt:
    """What ``training.borders`` has written."""
    import numpy as np  # here, because light commands show sentences of no article

    with np.load(WEIGHTS) as file:
        weights = dict(zip(file["features"].tolist(), file["weights"].tolist(), strict=True))
        lists = [frozenset(file[name].tolist()) for name in ("starters", "names", "plain")]
    return Learnt(weights, *lists)


@lru_cache(10_000)
def _score(stop: Stop) -> float:
    weights = learnt().weights
    return weights[""] + sum(weights.get(feature, 0.0) for feature in features(stop))


def _around(line: str, start: int, end: int, case: str, quoted: bool, learnt: Learnt) -> Stop:
    marks = line[start:end].lstrip(".!?…")
    second, word = _words_before(line[max(start - REACH, 0) : start])
    bare = word.rstrip(')]»”"%')
    kind = _kind_before(bare, case, learnt)
    opening, following, mark = _AFTER.findall(line[end : end + REACH])[0]
    return Stop(
        _kind_of_stop(line[start : end - len(marks)]),
        _kind_of_marks(marks.lstrip()),
        kind if word == bare else "closed",
        _key(bare) if kind in _ABBREVIATED else "",
        _kind_of_second(second),
        "glued " * (not line[end].isspace()) + _kind_after(opening, following, mark, case, learnt),
        _kind_of_marks(opening),
        _inside(line, start, quoted),
        case,
    )


_ABBREVIATED = ("abbreviation", "may end", "dotted", "DOTTED", "letter")


def _words_before(head: str) -> tuple[str, str]:
    """The last two words, without what is elided before them; a stop may stand by itself."""
    words = ["", "", *head.replace("’", " ").replace("'", " ").split()]
    if head[-1:].isspace():
        words.append("")
    return words[-2], words[-1].lstrip(_OPENERS + "([-–—")


def _case(line: str) -> str:
    """Whether capitals say anything: a line may have none, or nothing else."""
    if line.islower():
        return "lower"
    return "upper" if line.isupper() else "mixed"


def _kind_of_stop(stop: str) -> str:
    if len(stop) > 1 and set(stop) <= set(".…"):
        return "…"
    return {".": ".", "…": "…"}.get(stop, "!")


def _kind_of_marks(marks: str) -> str:
    """The first of the marks, as one of few."""
    mark = marks[:1]
    if not mark or mark in _OPENERS or mark in "”»’":
        return "quote" if mark else ""
    return mark if mark in "()[]" else "dash" if mark in "-–—•*" else "other"


def _key(word: str) -> str:
    return word.lower().replace(".", "")


def _kind_before(word: str, case: str, learnt: Learnt) -> str:
    """The kind of the word before a stop."""
    key, letters = _key(word), word.replace(".", "")
    if not word:
        return "none"
    if word[-1].isdigit():
        return f"number {min(len(word), 3)}" if word.isdigit() else "number"
    if key in vocabulary("abbreviations") and (len(key) > 1 or word.islower()):
        return "abbreviation"
    if key in vocabulary("final_abbreviations"):
        return "may end"
    if len(letters) == 1:
        return "LETTER" if word.isupper() else "letter"
    if "." in word and len(letters) <= MAX_INITIALS and letters.isalpha():
        return "DOTTED" if letters.isupper() and case == "mixed" else "dotted"
    return _kind_of_letters(word.lower() if case == "upper" else word, learnt)


def _kind_of_letters(word: str, learnt: Learnt) -> str:
    """The kind of a word that is no known abbreviation: most words in Italian end in a vowel."""
    if not word.isalpha():
        return "other"
    if word.isupper():
        return "ROMAN" if set(word) <= set("IVXLC") else "ACRONYM"
    if not set(_VOWELS) & set(word.lower()):
        return "consonants"
    if word.islower() and word[-1] not in _VOWELS:
        return "plain" if word in learnt.plain else "cut off"
    return "word" if word.islower() else "Word"


def _kind_of_second(word: str) -> str:
    if not word:
        return "none"
    if word[-1].isdigit():
        return "number"
    return "stop" if word[-1] in ".!?…" else "Word" if word[0].isupper() else "word"


def _kind_after(opening: str, word: str, mark: str, case: str, learnt: Learnt) -> str:
    """The kind of the word after a stop. ``opening``: the marks before it; ``mark``: behind it."""
    if opening and opening[0] in ",;:.)]»”%/":
        return "mark"
    if not word or word[0].isdigit():
        return "number" if word else "none"
    starts = word.lower().replace("’", "'") in learnt.starters
    if case != "mixed":
        return "starter" if starts else "initial" if mark and len(word) == 1 else "word"
    if not word[0].isupper():
        return "word"
    if len(word) == 1 and mark:
        return "Initial"
    if starts:
        return "Starter"
    if len(word) > 1 and word.isupper():
        return "ACRONYM"
    return "Name" if word.lower() in learnt.names else "Word"


def _inside(line: str, start: int, quoted: bool) -> str:
    """The bracket or quotation mark that is open at an offset."""
    first = max(start - FAR, 0)
    for opening, closing in _ENCLOSED:
        if line.rfind(opening, first, start) > line.rfind(closing, first, start):
            return opening
    return '"' if quoted else ""
