"""Keyword search: BM25 in memory-mapped files, which index.postings writes."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from index.analysis import terms

if TYPE_CHECKING:
    import bm25s

K1, B = 1.5, 0.75
PARAMETERS = "params.index.json"  # bm25s' own name
SHORTEST = 5  # letters of a term in place of which a similar one is looked for
ALIKE = 80.0  # per cent of two terms' letters that are the same in the same order
SIMILAR = 0.5  # the weight of a similar term in place of one that no passage has


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

    @property
    def size(self) -> int | None:
        """How many rows it was made of; None where no row has a term."""
        return None if self._engine is None else int(self._engine.scores["num_docs"])

    def has(self, term: str) -> bool:
        """Whether any row has the term."""
        return self._engine is not None and term in self._engine.vocab_dict
