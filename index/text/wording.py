"""The wording of a text: its words in order, however they are spelt, and where they stand."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz.distance import Levenshtein

from index.text.clean import INVISIBLE, visible
from index.text.sentences import Span

_APOSTROPHES = "'’‘‛`´"
# A number is one word with its sign, its separators and its decimals. A word keeps the apostrophe
# of an elision, and the one that stands for an accent, as in "perche'".
_WORD = re.compile(
    r"(?P<thousands>(?:(?<!\w)[-−](?=\d))?\d{1,3}(?:[.\u2009\u202f\u00a0 '’]\d{3})+(?!\d)(?:,\d+)?"
    r"(?!\w))"
    r"|(?P<number>(?:(?<!\w)[-−](?=\d))?\d+(?:[.,:]\d+)*(?!\w))"
    rf"|(?P<word>\w[\w{INVISIBLE}\ufe0f\u0300-\u036f]*"
    rf"(?:[{_APOSTROPHES}](?=\w)|(?<=[aeiouAEIOU])[{_APOSTROPHES}](?!\w))?)"
    r"|(?P<symbol>[%‰°§&@#+=<>€$£¥])"
)
_ACCENTED = str.maketrans("aeiou", "àèìòù")
_PLAIN_MARKS = str.maketrans("’‘‛`´“”„‟«»❝❞−–—‐‑", '\'\'\'\'\'""""""""-----')
_HYPHENS = ("-", "‐", "‑")
_NO_SEPARATORS = str.maketrans("", "", ". \u2009\u202f\u00a0'’")
# Not composed, a ligature, or not seen: what two spellings of one word differ in.
_UNUSUAL = re.compile(rf"[{INVISIBLE}\ufe0f\ufb00-\ufb06\u0300-\u036f]")  # eight times as fast
_SPELLING = re.compile(rf"[{INVISIBLE}\ufe0f]+|[\ufb00-\ufb06]|\w[\u0300-\u036f]+")


@dataclass(frozen=True, slots=True)
class Word:
    """``text[start:end]``. ``key`` is the same for all spellings of a word or a number."""

    start: int
    end: int
    key: str


@dataclass(frozen=True)
class Difference:
    """Words of one text, and those that another has in their stead; "" where there are none.

    ``start`` and ``end``: where the words of the first text stand in it.
    """

    said: str
    written: str
    start: int
    end: int

    @property
    def size(self) -> int:
        """How many words differ."""
        return Levenshtein.distance(_keys(wording(self.said)), _keys(wording(self.written)))


def wording(text: str) -> list[Word]:
    """The words of a text, in order.

    Capitals, punctuation, invisible characters and the form of accents do not count: "7.000",
    "7 000" and "7000" have one key, and so have "È" and "E'".
    """
    # Beside single quotation marks, an apostrophe at the end of a word may be one of them.
    accents = not any(mark in f" {text}" for mark in (" '", " ‘"))
    return [Word(m.start(), m.end(), _key(m, text, accents)) for m in _WORD.finditer(text)]


def _key(match: re.Match[str], text: str, accents: bool) -> str:
    spelt = match[0]
    if match.lastgroup == "thousands":
        return spelt.translate(_NO_SEPARATORS).replace("−", "-")
    if match.lastgroup == "number":
        return spelt.replace(".", ",").replace(":", ",").replace("−", "-")
    bare = spelt.rstrip(_APOSTROPHES)
    if accents and bare != spelt and not text[match.end() : match.end() + 1].isalnum():
        bare = bare[:-1] + bare[-1].lower().translate(_ACCENTED)
    if bare.isascii():
        return bare.lower()
    return folded(bare)[0].casefold().replace("é", "è")


def folded(text: str) -> tuple[str, Sequence[int]]:
    """The text with letters composed, without ligatures and what is not seen.

    And where each of its characters stands in the text, with the text's length at the end.
    """
    if not _UNUSUAL.search(text):
        return text, range(len(text) + 1)
    parts: list[str] = []
    offsets, at = array("L"), 0
    for match in _SPELLING.finditer(text):
        start, end = match.span()
        spelt = unicodedata.normalize("NFKC" if end - start == 1 else "NFC", match[0])
        parts += text[at:start], visible(spelt).replace("\ufe0f", "")
        offsets.extend([*range(at, start), *(start for _ in parts[-1])])
        at = end
    offsets.extend(range(at, len(text) + 1))
    return "".join([*parts, text[at:]]), offsets


def same_letters(text: str, other: str) -> bool:
    """Whether two texts are the same but for white space, ligatures and the shape of marks."""
    return _letters(text) == _letters(other)


def _letters(text: str) -> str:
    return " ".join(folded(text)[0].translate(_PLAIN_MARKS).split())


def similarity(words: Sequence[Word], others: Sequence[Word]) -> float:
    """The share of words that are the same in the same order, 0–1."""
    return Levenshtein.normalized_similarity(_keys(words), _keys(others))


def differences(text: str, other: str) -> Iterator[Difference]:
    """The changes, word for word, that turn a text into another one."""
    words, others = wording(text), wording(other)
    start = other_start = room = 0  # room: words before a change that are in no other one
    for block in Levenshtein.editops(_keys(words), _keys(others)).as_matching_blocks():
        first, last, other_first, other_last = start, block.a, other_start, block.b
        start, other_start = block.a + block.size, block.b + block.size  # empty for the last block
        right = False
        if first < last and other_first < other_last:  # "Jong-il", not "il"
            left = _hyphened(text, words, first) and _hyphened(other, others, other_first)
            right = _hyphened(text, words, last) and _hyphened(other, others, other_last)
            shift = int(left and room > 0)
            first, other_first = first - shift, other_first - shift
            last, other_last = last + right, other_last + right
        room = block.size - right
        if first < last or other_first < other_last:
            span = _extent(words[first:last], words[first - 1].end if first else 0)
            covered = _extent(others[other_first:other_last], 0)
            yield Difference(
                text[span.start : span.end], other[covered.start : covered.end], *_pair(span)
            )


def _hyphened(text: str, words: Sequence[Word], number: int) -> bool:
    """Whether a hyphen alone stands before the word with this number."""
    inside = 0 < number < len(words)
    return inside and text[words[number - 1].end : words[number].start] in _HYPHENS


def _keys(words: Sequence[Word]) -> list[str]:
    return [word.key for word in words]


def _extent(words: Sequence[Word], otherwise: int) -> Span:
    return Span(words[0].start, words[-1].end) if words else Span(otherwise, otherwise)


def _pair(span: Span) -> tuple[int, int]:
    return span.start, span.end
