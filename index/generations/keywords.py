"""Keyword search: BM25 in memory-mapped files, which index.building.postings writes."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.text.words import terms

K1, B = 1.5, 0.75
VOCABULARY = "vocab.index.json"  # each term's column
SCORES = "data.csc.index.npy"  # of all columns, one after another
ROWS = "indices.csc.index.npy"  # of each score
COLUMNS = "indptr.csc.index.npy"  # where each column begins, and where the last one ends
STARTS = "starts.npy"  # of each row's terms, from which the scores are made
SHORTEST = 5  # letters of a term in place of which a similar one is looked for
ALIKE = 80.0  # per cent of two terms' letters that are the same in the same order
SIMILAR = 0.5  # the weight of a similar term in place of one that no passage has


class KeywordIndex:
    """BM25 (Lucene's variant) over passages, which are known by their row.

    The scores are computed when passages are indexed: a search adds up a few columns of them.
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

        A word that no row has, a typing error maybe, counts as the most similar one, for less.
        """
        asked = terms(query)
        scores = np.zeros(self.size, np.float32)
        for term in asked:
            if self.has(term):
                self._add(scores, term)
            elif similar := self._similar(term):
                self._add(scores, similar, SIMILAR)
        return scores

    def has(self, term: str) -> bool:
        """Whether any row has the term."""
        return term in self._columns

    def _add(self, scores: NDArray[np.float32], term: str, weight: float = 1.0) -> None:
        column = self._columns[term]
        inside = slice(int(self._starts[column]), int(self._starts[column + 1]))
        scores[self._rows[inside]] += np.float32(weight) * self._scores[inside]

    def _similar(self, term: str) -> str | None:
        """The most similar term that some row has; None where none is similar enough."""
        if len(term) < SHORTEST or term[0].isdigit():
            return None
        from rapidfuzz import fuzz, process

        found = process.extractOne(
            term, self._vocabulary, scorer=fuzz.ratio, processor=None, score_cutoff=ALIKE
        )
        return found[0] if found else None

    @cached_property
    def _vocabulary(self) -> list[str]:
        return list(self._columns)
