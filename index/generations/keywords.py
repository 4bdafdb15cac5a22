"""Keyword search: BM25 in memory-mapped files, and what writes them."""

from __future__ import annotations

import json
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

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


TERMS, COUNTS = "terms.npy", "counts.npy"

Numbers = NDArray[np.signedinteger[Any]]


class PostingsWriter:
    """Which terms each passage has, how often, and the BM25 scores that follow from it.

    A change of one passage changes the scores of all (they depend on the mean length and on
    how many passages have a term) but not their terms: those are kept beside the scores, and
    copied. The scores are computed in one sweep over the arrays.
    """

    def __init__(self, old: Path | None) -> None:
        self._old = old if old and (old / STARTS).exists() else None
        self._vocabulary: dict[str, int] = {}
        if self._old:
            self._kept = {
                name: np.load(self._old / name, mmap_mode="r") for name in (TERMS, COUNTS, STARTS)
            }
            self._vocabulary = json.loads((self._old / VOCABULARY).read_text(encoding="utf-8"))
        # A term of the old vocabulary may be left without a passage: it is dropped at the end.
        self._terms: list[Numbers] = []
        self._counts: list[Numbers] = []
        self._lengths: list[Numbers] = []

    def copy(self, rows: range) -> None:
        """Copy passages of the old index."""
        if self._old is None or not rows:
            return
        starts = self._kept[STARTS]
        inside = slice(int(starts[rows.start]), int(starts[rows.stop]))
        self._terms.append(self._kept[TERMS][inside])
        self._counts.append(self._kept[COUNTS][inside])
        self._lengths.append(np.diff(starts[rows.start : rows.stop + 1]))

    def add(self, text: str) -> None:
        """Add a passage."""
        counted = Counter(terms(text))
        ids = [self._vocabulary.setdefault(term, len(self._vocabulary)) for term in counted]
        self._terms.append(np.array(ids, np.int32))
        self._counts.append(np.array(list(counted.values()), np.int32))
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
        np.save(directory / TERMS, ids.astype(np.int32))
        np.save(directory / COUNTS, counts)
        np.save(directory / STARTS, starts)
        if vocabulary:
            for name, values in _scores(ids, counts, starts).items():
                np.save(directory / name, values)


def _scores(ids: Numbers, counts: Numbers, starts: Numbers) -> dict[str, NDArray[Any]]:
    """BM25 (Lucene's) of every term in every passage, in columns, one a term.

    Source: Kamphuis et al., "Which BM25 Do You Mean?" (2020).
    """
    passages = len(starts) - 1
    row_of = np.repeat(np.arange(passages, dtype=np.int32), np.diff(starts))
    lengths = np.bincount(row_of, weights=counts, minlength=passages)
    found = np.bincount(ids)
    rarity = np.log(1 + (passages - found + 0.5) / (found + 0.5))
    norm = K1 * (1 - B + B * lengths / lengths.mean())
    scores = rarity[ids] * counts / (counts + norm[row_of])
    by_term = np.argsort(ids, kind="stable")
    return {
        SCORES: scores[by_term].astype(np.float32),
        ROWS: row_of[by_term],
        COLUMNS: np.concatenate([[0], np.cumsum(found)]),
    }


def _joined(arrays: list[Numbers], kind: type) -> Numbers:
    return np.concatenate(arrays).astype(kind) if arrays else np.empty(0, kind)
