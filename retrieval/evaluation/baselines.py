"""What is compared with: each of the two searches by itself."""

from __future__ import annotations

import numpy as np

from index.embedder import Embedder
from index.generation import Generation
from retrieval.search import PASSAGES


def dense(question: str, generation: Generation, embedder: Embedder) -> list[str]:
    """The articles of the passages whose vectors are nearest, as Chroma gives them."""
    vector = embedder.encode_query(question).vector
    found = list(generation.vectors.nearest(vector, min(PASSAGES, generation.size)))
    row_of = generation.store.rows_of(found)
    return _articles([row_of[i] for i in found], generation)


def bm25(question: str, generation: Generation) -> list[str]:
    """The articles of the passages with the best BM25 scores, as long as they share a word."""
    scores = generation.keywords.scores(question, generation.size)
    best = np.argsort(-scores, kind="stable")[:PASSAGES]
    return _articles([int(row) for row in best if scores[row] > 0], generation)


def _articles(rows: list[int], generation: Generation) -> list[str]:
    return [passage.article for passage in generation.store.passages(rows)]
