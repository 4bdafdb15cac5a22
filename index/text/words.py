"""The words of a text, and the terms that are indexed and searched: the Italian analysis."""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache

import Stemmer

from index.text.clean import visible
from index.text.language import codes, language, languages, vocabulary

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\d+(?:[.,]\d+)*|[^\W\d_]+(?:-\d+)?|\d*[^\W_]+")
_ACRONYM = re.compile(r"(?:[^\W\d_]\.){2,}")  # "O.N.U." is "ONU"
_COMPOUND = re.compile(r"\b([^\W\d_]{3,})-([^\W\d_]{3,})\b")  # "nord-coreano" is "nordcoreano" too
_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")  # "7.000" is "7000"


class _WithoutMarks(dict[int, int | None]):
    """For str.translate: takes combining marks away, and what nobody sees. Looks them up once."""

    def __missing__(self, character: int) -> int | None:
        is_mark = unicodedata.combining(chr(character)) or not visible(chr(character))
        self[character] = None if is_mark else character
        return self[character]


_PLAIN = _WithoutMarks()
_LOCAL = threading.local()  # a Stemmer must not be used by two threads at once


def words(text: str) -> list[str]:
    """The words of a text in order: lower case, without accents; "l’incontro" is two."""
    return [
        word.replace(".", "") if _ACRONYM.fullmatch(word) else word
        for word in _WORD.findall(plain(text))
    ]


def terms(text: str) -> list[str]:
    """The stems of a text's words, stop words left out. What is indexed and searched.

    Numbers are digits without separators; a compound counts as its parts and as a whole.
    """
    stop_words, digits = vocabulary("stop_words"), _digits()
    content = [digits.get(word, word) for word in words(text) if word not in stop_words]
    content = [w.replace(".", "") if _THOUSANDS.fullmatch(w) else w for w in content]
    compounds = ["".join(match.groups()) for match in _COMPOUND.finditer(plain(text))]
    return stems(content + compounds)


def function_words(text: str) -> dict[str, int]:
    """How many function words of each language a text has, by its code; the main one first."""
    said = words(text)
    lists = {code: language(code).function_words for code in codes()}
    return {code: sum(word in known for word in said) for code, known in lists.items()}


def language_of(text: str) -> str:
    """The code of the language whose function words a text has most; in doubt the main one."""
    counts = function_words(text)
    return max(counts, key=lambda code: counts[code])


def plain(text: str) -> str:
    """The text in lower case, without accents."""
    return unicodedata.normalize("NFKD", text.lower()).translate(_PLAIN)


def stems(words: list[str]) -> list[str]:
    """The Italian stem of each word."""
    if not hasattr(_LOCAL, "stemmer"):
        _LOCAL.stemmer = Stemmer.Stemmer("italian")
    return list(_LOCAL.stemmer.stemWords(words))


@cache
def _digits() -> dict[str, str]:
    return {word: str(n) for one in languages() for word, n in one.numbers.items()}
