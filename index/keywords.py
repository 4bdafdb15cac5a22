"""Keyword search: Italian analysis, and BM25 in memory-mapped files (written by postings)."""

from __future__ import annotations

import math
import re
import threading
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import Stemmer
from numpy.typing import NDArray

if TYPE_CHECKING:
    import bm25s

K1, B = 1.5, 0.75
PARAMETERS = "params.index.json"  # bm25s' own name

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\d+(?:[.,]\d+)*|[^\W\d_]+(?:-\d+)?|\d*[^\W_]+")
_ACRONYM = re.compile(r"(?:[^\W\d_]\.){2,}")  # "O.N.U." is "ONU"
_COMPOUND = re.compile(r"\b([^\W\d_]{3,})-([^\W\d_]{3,})\b")  # "nord-coreano" is "nordcoreano" too
_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")  # "7.000" is "7000"
_DIGITS = {
    word: str(number)
    for words_of in (
        "due tre quattro cinque - sette otto nove dieci undici dodici",  # "sei" is mostly a verb
        "two three four five six seven eight nine ten eleven twelve",
    )
    for number, word in enumerate(words_of.split(), 2)
}
SHORTEST = 5  # letters of a term in place of which a similar one is looked for
ALIKE = 80.0  # per cent of two terms' letters that are the same in the same order
SIMILAR = 0.5  # the weight of a similar term in place of one that no passage has


class _WithoutMarks(dict[int, int | None]):
    """For str.translate: takes combining marks away. Looks each character up once."""

    def __missing__(self, character: int) -> int | None:
        self[character] = None if unicodedata.combining(chr(character)) else character
        return self[character]


_PLAIN = _WithoutMarks()
_LOCAL = threading.local()  # a Stemmer must not be used by two threads at once

STOP_WORDS = frozenset(
    """
    a ad agli ai al alla alle allo anche ancora avere aveva avevano c che chi ci cio come
    con cosa cui d da dagli dai dal dall dalla dalle dallo degli dei del dell della delle
    dello di dove e ed era erano essere fa fra gli ha hanno ho i il in io l la le lei li lo
    loro lui m ma mi n ne negli nei nel nell nella nelle nello noi non o ogni per perche piu
    po poi pero qual quale quali quando quant quanta quante quanti quanto quell quella
    quelle quelli quello quest questa queste questi questo s se sei si sia siano sono su
    sugli sui sul sull sulla sulle sullo t ti tra tu tutti tutto un una uno v vi voi about
    an and are as at be been by did do does for from had has have how is it its of on or
    that the their there they this to was were what when where which who whom why will with
    would
    """.split()
)


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
    found = [_DIGITS.get(word, word) for word in words(text) if word not in STOP_WORDS]
    found = [w.replace(".", "") if _THOUSANDS.fullmatch(w) else w for w in found]
    wholes = ["".join(match.groups()) for match in _COMPOUND.finditer(plain(text))]
    return stems(found + wholes)


def plain(text: str) -> str:
    """The text in lower case, without accents."""
    return unicodedata.normalize("NFKD", text.lower()).translate(_PLAIN)


def stems(of: list[str]) -> list[str]:
    """The Italian stem of each word."""
    if not hasattr(_LOCAL, "stemmer"):
        _LOCAL.stemmer = Stemmer.Stemmer("italian")
    return list(_LOCAL.stemmer.stemWords(of))


class KeywordIndex:
    """BM25 (Lucene's variant) over passages, which are known by their row."""

    def __init__(self, engine: bm25s.BM25 | None) -> None:
        self._engine = engine

    @classmethod
    def open(cls, directory: Path) -> KeywordIndex:
        """The index in the directory, memory-mapped."""
        if not (directory / PARAMETERS).exists():  # no passage has a term
            return cls(None)
        import bm25s  # brings scipy: a run that changes nothing does without

        return cls(bm25s.BM25.load(directory, mmap=True, show_progress=False))

    def scores(self, query: str, rows: int) -> NDArray[np.float32]:
        """The BM25 score of every row for the query, shape (rows,); 0 where no word is shared.

        A word that no row has, a typing error maybe, counts as the most similar one, for less.
        """
        asked = terms(query)
        known = [term for term in asked if self.has(term)]
        similar = list(filter(None, (self._similar(term) for term in asked if term not in known)))
        if self._engine is None or not (known or similar):
            return np.zeros(rows, np.float32)
        scores = self._engine.get_scores(known) if known else np.zeros(rows, np.float32)
        if similar:
            scores = scores + np.float32(SIMILAR) * self._engine.get_scores(similar)
        return np.asarray(scores, np.float32)

    def _similar(self, term: str) -> str | None:
        """The most similar term that some row has; None where none is similar enough."""
        if self._engine is None or len(term) < SHORTEST or term[0].isdigit():
            return None
        from rapidfuzz import fuzz, process

        found = process.extractOne(
            term, self._vocabulary, scorer=fuzz.ratio, processor=None, score_cutoff=ALIKE
        )
        return found[0] if found else None

    @cached_property
    def _vocabulary(self) -> list[str]:
        return list(self._engine.vocab_dict) if self._engine else []

    def weights(self, of: Sequence[str]) -> dict[str, float]:
        """The inverse document frequency of each term, as BM25 defines it (always positive).

        Source: Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with
        Lucene's 1 inside the logarithm.
        """
        return {term: self._weight(term) for term in of}

    def _weight(self, term: str) -> float:
        if self._engine is None:
            return 1.0
        count, found = int(self._engine.scores["num_docs"]), 0
        if self.has(term):
            column, starts = self._engine.vocab_dict[term], self._engine.scores["indptr"]
            found = int(starts[column + 1] - starts[column])
        return math.log(1 + (count - found + 0.5) / (found + 0.5))

    @property
    def size(self) -> int | None:
        """How many rows it was made of; None where no row has a term."""
        return None if self._engine is None else int(self._engine.scores["num_docs"])

    def has(self, term: str) -> bool:
        """Whether any row has the term."""
        return self._engine is not None and term in self._engine.vocab_dict
