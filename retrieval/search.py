"""Passages for a question: dense and keyword candidates, fused by weighted scores."""

from __future__ import annotations

import numpy as np
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from numpy.typing import NDArray
from pydantic import ConfigDict

from index.embedder import Embedder, Vectors
from index.generation import Generation

CANDIDATES = 50  # from each of the two searches
PASSAGES = 10  # given for a question
DENSE_WEIGHT = 2.0  # of the dense z-score, the keyword z-score counting 1


class HybridRetriever(BaseRetriever):
    """The passages of one generation that are nearest to a query, best first.

    Documents carry the passage's text, its id, and in ``metadata`` its ``row``, ``article``,
    ``start``, ``end``, ``score`` and ``cosine``.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    generation: Generation
    embedder: Embedder
    k: int = PASSAGES

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,  # noqa: ARG002
    ) -> list[Document]:
        if not self.generation.size:
            return []
        vector = self.embedder.encode_query(query).vector
        rows, cosines, keywords = self._candidates(query, vector)
        scores = DENSE_WEIGHT * _z_scores(cosines) + _z_scores(keywords)
        best = np.argsort(-scores, kind="stable")[: self.k]
        passages = self.generation.store.passages([int(rows[at]) for at in best])
        return [
            Document(
                id=passage.id,
                page_content=passage.text,
                metadata={
                    "row": passage.row,
                    "article": passage.article,
                    "start": passage.start,
                    "end": passage.end,
                    "score": float(scores[at]),
                    "cosine": float(cosines[at]),
                },
            )
            for passage, at in zip(passages, best, strict=True)
        ]

    def _candidates(
        self, query: str, vector: Vectors
    ) -> tuple[NDArray[np.int64], Vectors, Vectors]:
        """Rows of both searches' candidates, with both scores of each."""
        generation = self.generation
        cosine_of = generation.vectors.nearest(vector, min(CANDIDATES, generation.size))
        keywords = generation.keywords.scores(query, generation.size)
        matched = np.argsort(-keywords, kind="stable")[:CANDIDATES]
        by_keyword = generation.store.passages([int(row) for row in matched if keywords[row] > 0])
        missing = [passage.id for passage in by_keyword if passage.id not in cosine_of]
        cosine_of |= generation.vectors.cosines(vector, missing)
        row_of = generation.store.rows_of(cosine_of)
        ids = sorted(cosine_of, key=lambda i: row_of[i])
        rows = np.array([row_of[i] for i in ids], np.int64)
        return rows, np.array([cosine_of[i] for i in ids], np.float32), keywords[rows]


def _z_scores(values: Vectors) -> Vectors:
    """The values less their mean, in standard deviations; zeros where they do not differ."""
    deviation = float(values.std())
    if deviation < 1e-9:
        return np.zeros_like(values)
    return np.asarray((values - values.mean()) / deviation, np.float32)
