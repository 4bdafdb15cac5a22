"""Writes the keyword index of a new generation."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.generations.keywords import COLUMNS, K1, ROWS, SCORES, STARTS, VOCABULARY, B
from index.text.words import terms

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
