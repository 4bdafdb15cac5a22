"""Keyword search: the reader and the writer of BM25 scores in memory-mapped files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.text.words import terms

K1, B = 1.5, 0.75
# Files of the scores, a column a term. Rows are those of the passages.
VOCABULARY = "vocab.index.json"  # the column of each term
SCORES = "data.csc.index.npy"  # of all columns, one after another
ROWS = "indices.csc.index.npy"  # of each score
COLUMNS = "indptr.csc.index.npy"  # where each column starts, and where the last one ends
# Files of the terms that the scores are computed from.
TERMS = "terms.npy"  # the columns of each row's terms, one row after another
COUNTS = "counts.npy"  # how often the row has the term
STARTS = "starts.npy"  # where each row's terms start, and where the last ones end

MIN_CORRECTED = 5  # letters of a term that may be a typing error
MIN_SIMILARITY = 80.0  # per cent of two terms' letters that are the same in the same order
SIMILAR_WEIGHT = 0.5  # of a similar term in place of one that no passage has

Integers = NDArray[np.signedinteger[Any]]


class KeywordIndex:
    """BM25 (Lucene's variant) over the rows of passages.

    The scores are computed at indexing time: a search adds up a few columns of them.
    Source: Lù, "BM25S: Orders of magnitude faster lexical search via eager sparse scoring" (2024).
    """

    def __init__(self, directory: Path) -> None:
        """Open the index in the directory. Raises OSError and ValueError where it is damaged."""
        self.size = len(np.load(directory / STARTS, mmap_mode="r")) - 1  # rows
        self._columns: dict[str, int] = {}
        if not (directory / SCORES).exists():  # no passage has a term
            return
        self._columns = json.loads((directory / VOCABULARY).read_text(encoding="utf-8"))
        self._scores = np.load(directory / SCORES, mmap_mode="r")
        self._rows = np.load(directory / ROWS, mmap_mode="r")
        self._starts = np.load(directory / COLUMNS, mmap_mode="r")

    def scores(self, query: str) -> NDArray[np.float32]:
        """The BM25 score of every row for the query, shape (size,); 0 where no word is shared.

        A word that no row has may be a typing error: the most similar term stands for it, with a
        lower weight.
        """
        scores = np.zeros(self.size, np.float32)
        for term in terms(query):
            if self.has(term):
                self._add(scores, term)
            elif similar := self._similar(term):
                self._add(scores, similar, SIMILAR_WEIGHT)
        return scores

    def has(self, term: str) -> bool:
        """Whether any row has the term."""
        return term in self._columns

    def shared(self, query: Iterable[str]) -> NDArray[np.float32]:
        """How many of the terms every row has, each weighted by its rarity, shape (size,)."""
        shared = np.zeros(self.size, np.float32)
        for term in set(query):
            shared[self.rows(term)] += self.rarity(term)
        return shared

    def rarity(self, term: str) -> float:
        """How rare the term is among the rows: the logarithm of their number over its own."""
        return float(np.log(1 + self.size / (1 + len(self.rows(term)))))

    def rows_with(self, term: str) -> list[int]:
        """The rows that have the term."""
        rows: list[int] = self.rows(term).tolist()
        return rows

    def rows(self, term: str) -> Integers:
        """The same as an array."""
        return self._rows[self._inside(term)] if self.has(term) else np.empty(0, np.int32)

    def _inside(self, term: str) -> slice:
        column = self._columns[term]
        return slice(int(self._starts[column]), int(self._starts[column + 1]))

    def _add(self, scores: NDArray[np.float32], term: str, weight: float = 1.0) -> None:
        inside = self._inside(term)
        scores[self._rows[inside]] += np.float32(weight) * self._scores[inside]

    def _similar(self, term: str) -> str | None:
        """The most similar term that some row has; None where none is similar enough."""
        if len(term) < MIN_CORRECTED or term[0].isdigit():
            return None
        from rapidfuzz import fuzz, process

        match = process.extractOne(
            term, self._vocabulary, scorer=fuzz.ratio, processor=None, score_cutoff=MIN_SIMILARITY
        )
        return match[0] if match else None

    @cached_property
    def _vocabulary(self) -> list[str]:
        return list(self._columns)


class PostingsWriter:
    """Writes the terms of each passage, their counts, and the BM25 scores computed from them.

    A change of one passage changes the scores of all, which depend on the mean length and on the
    number of passages with a term. Their terms stay: they are kept beside the scores, and copied.
    The scores are computed in one sweep over the arrays.
    """

    def __init__(self, old: Path | None) -> None:
        self._old: dict[str, Integers] = {}
        self._vocabulary: dict[str, int] = {}
        if old and (old / STARTS).exists():
            self._old = {n: np.load(old / n, mmap_mode="r") for n in (TERMS, COUNTS, STARTS)}
            self._vocabulary = json.loads((old / VOCABULARY).read_text(encoding="utf-8"))
        # ``finish`` drops terms of the old vocabulary that no passage has any more.
        self._terms: list[Integers] = []
        self._counts: list[Integers] = []
        self._lengths: list[Integers] = []

    def copy(self, rows: range) -> None:
        """Copy passages of the old index."""
        if not self._old or not rows:
            return
        starts = self._old[STARTS]
        inside = slice(int(starts[rows.start]), int(starts[rows.stop]))
        self._terms.append(self._old[TERMS][inside])
        self._counts.append(self._old[COUNTS][inside])
        self._lengths.append(np.diff(starts[rows.start : rows.stop + 1]))

    def add(self, text: str) -> None:
        """Add a passage."""
        counts = Counter(terms(text))
        ids = [self._vocabulary.setdefault(term, len(self._vocabulary)) for term in counts]
        self._terms.append(np.array(ids, np.int32))
        self._counts.append(np.array(list(counts.values()), np.int32))
        self._lengths.append(np.array([len(ids)], np.int64))

    def finish(self, directory: Path) -> None:
        """Compute the scores and write the index."""
        directory.mkdir()
        used, ids = np.unique(_joined(self._terms, np.int32), return_inverse=True)
        counts = _joined(self._counts, np.int32)
        starts = np.concatenate([[0], np.cumsum(_joined(self._lengths, np.int64))])
        names = list(self._vocabulary)
        vocabulary = {names[old]: new for new, old in enumerate(used)}
        (directory / VOCABULARY).write_text(json.dumps(vocabulary, ensure_ascii=False), "utf-8")
        arrays = {TERMS: ids.astype(np.int32), COUNTS: counts, STARTS: starts}
        if vocabulary:
            arrays |= _scores(ids, counts, starts)
        for name, array in arrays.items():
            np.save(directory / name, array)


def _scores(ids: Integers, counts: Integers, starts: Integers) -> dict[str, NDArray[Any]]:
    """BM25 (Lucene's) of every term in every passage, in columns, one a term.

    Source: Kamphuis et al., "Which BM25 Do You Mean?" (2020).
    """
    passages = len(starts) - 1
    row_of = np.repeat(np.arange(passages, dtype=np.int32), np.diff(starts))
    lengths = np.bincount(row_of, weights=counts, minlength=passages)
    frequencies = np.bincount(ids)  # passages with each term
    rarity = np.log(1 + (passages - frequencies + 0.5) / (frequencies + 0.5))
    norm = K1 * (1 - B + B * lengths / lengths.mean())
    scores = rarity[ids] * counts / (counts + norm[row_of])
    by_term = np.argsort(ids, kind="stable")
    return {
        SCORES: scores[by_term].astype(np.float32),
        ROWS: row_of[by_term],
        COLUMNS: np.concatenate([[0], np.cumsum(frequencies)]),
    }


def _joined(arrays: list[Integers], dtype: type) -> Integers:
    return np.concatenate(arrays).astype(dtype) if arrays else np.empty(0, dtype)
