"""What is compared with: each of the two searches by itself."""

from __future__ import annotations

from index.embedder import Embedder
from index.generation import Generation
from retrieval.search import best_rows

LISTED = 10  # passages of which ranks are told: R@k, MRR@10


def dense(question: str, generation: Generation, embedder: Embedder) -> list[str]:
    """The articles of the passages whose vectors are nearest, as Chroma gives them."""
    vector = embedder.encode_query(question)
    found = list(generation.vectors.nearest(vector, min(LISTED, generation.size)))
    row_of = generation.store.rows_of(found)
    return _articles([row_of[i] for i in found], generation)


def bm25(question: str, generation: Generation) -> list[str]:
    """The articles of the passages with the best BM25 scores, as long as they share a word."""
    scores = generation.keywords.scores(question)
    return _articles(best_rows(scores, LISTED).tolist(), generation)


def _articles(rows: list[int], generation: Generation) -> list[str]:
    return [passage.article for passage in generation.store.passages(rows)]
