"""Decides whether a hyphen at the end of a line is the word's own.

It does so where the text is used: the dictionary takes longer to load than a PDF to read.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

LINE_END_HYPHEN = "\x02"  # in place of a hyphen at the end of a line
DROP_CAP = "\x03"  # between a drop cap and what is beside it
_HALF = 4  # letters: a shorter half of a compound may be a syllable


def with_whole_words(text: str) -> str:
    """The text with words in place of the marks between their halves."""
    if LINE_END_HYPHEN not in text and DROP_CAP not in text:
        return text
    written = set(text.translate(_NO_PUNCTUATION).split())
    parts = text.replace(DROP_CAP, f"{LINE_END_HYPHEN}{DROP_CAP}").split(LINE_END_HYPHEN)
    return "".join(_joined(parts, written))


_NO_PUNCTUATION = str.maketrans(dict.fromkeys(".,;:!?()[]«»“”\"'’‘…", " "))


def _joined(parts: list[str], written: set[str]) -> Iterator[str]:
    yield parts[0]
    for before, part in itertools.pairwise(parts):
        first = "".join(itertools.takewhile(str.isalpha, reversed(before)))[::-1]
        rest = part.removeprefix(DROP_CAP)
        second = "".join(itertools.takewhile(str.isalpha, rest))
        if part.startswith(DROP_CAP):
            yield f" {rest}" if _is_word_apart(first, second) else rest
        else:
            yield f"-{part}" if _is_compound(first, second, written) else part


def _is_word_apart(letter: str, word: str) -> bool:
    """Whether a drop cap is a word of its own, as in "È stato" or "A Roma"."""
    is_word = letter in tuple("AEIOÈ") and _is_known(word)
    return is_word and not _is_known(letter.lower() + word)


def _is_compound(first: str, second: str, written: set[str]) -> bool:
    """Whether the hyphen between the halves stays.

    The text's other words decide, then the dictionary: a compound is no word without its hyphen,
    and both halves are words. Those that are one nevertheless begin with an adjective, as
    "socio-economico" does.
    """
    whole, compound = first + second, f"{first}-{second}"
    if not second[:1].islower():
        return True
    if whole in written or compound in written:
        return whole not in written
    if _is_known(whole):
        return _is_adjective(first) and len(second) > _HALF and _is_known(second)
    if first[:1].isupper():
        return second in _names()
    return len(second) >= _HALF and _is_known(first) and _is_known(second)


def _is_adjective(word: str) -> bool:
    """Whether the word has the endings of an Italian adjective: "socio" has, "foto" has not."""
    stem = word[:-1]
    plural = any(_is_known(stem + ending) for ending in ("i", "hi", ""))
    return word.endswith("o") and plural and _is_known(f"{stem}a")


def _is_known(word: str) -> bool:
    from simplemma import is_known

    return any(is_known(word, lang=code) for code in ("it", "en"))


@cache
def _names() -> frozenset[str]:
    """The words of names.txt."""
    file = files("index.text").joinpath("languages", "names.txt")
    return frozenset(file.read_text(encoding="utf-8").split())
