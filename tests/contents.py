"""What a generation holds, to compare one with another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.articles.article import Article
from index.building.helper import faults
from index.generations.generation import Generation
from index.generations.layout import ChromaServer, generations_dir
from index.generations.pointer import current_name
from index.generations.store import StoredPassage
from index.models.encoder import Vectors
from index.text.words import terms


@dataclass(frozen=True)
class Contents:
    """Articles, passages and sentences by row, twins, keyword scores, and vectors."""

    articles: list[Article | None]
    twins: dict[str, list[str]]
    passages: list[StoredPassage]
    sentences: list[tuple[int, int]]
    keywords: dict[str, list[float]]
    passage_vectors: dict[str, list[float]]
    sentence_vectors: Vectors

    def same_as(self, other: Contents) -> bool:
        """Whether all is equal, and vectors point the same way (a cosine of 0.999)."""
        return (
            self.articles == other.articles
            and self.twins == other.twins
            and self.passages == other.passages
            and self.sentences == other.sentences
            and self.keywords == other.keywords
            and self.passage_vectors.keys() == other.passage_vectors.keys()
            and all(
                np.dot(vector, other.passage_vectors[i]) > 0.999
                for i, vector in self.passage_vectors.items()
            )
            and bool(np.all((self.sentence_vectors * other.sentence_vectors).sum(axis=1) > 0.999))
        )


def contents(data_dir: Path, server: ChromaServer | None = None) -> Contents:
    """What the current generation holds; it has to be sound."""
    opened = Generation(generations_dir(data_dir) / str(current_name(data_dir)), server)
    assert faults(opened) == []
    store = opened.store
    paths = [header.path for header in store.article_headers()]
    passages = store.passages(range(opened.size))
    vocabulary = sorted({term for passage in passages for term in terms(passage.text)})
    found = Contents(
        articles=[store.article(path) for path in paths],
        twins={path: store.twins(path) for path in paths},
        passages=passages,
        sentences=[(s.start, s.end) for s in store.sentences(0, store.count("sentences"))],
        keywords={t: opened.keywords.scores(t).tolist() for t in vocabulary},
        passage_vectors=_vectors(opened),
        sentence_vectors=np.array(
            opened._sentences.read(0, opened._sentences.count - 1), np.float32
        ),
    )
    opened.close()
    return found


def _vectors(generation: Generation) -> dict[str, list[float]]:
    """Every vector of the collection, by id."""
    if not generation.size:
        return {}
    collection = generation.vectors._collection
    rows = collection.get(include=["embeddings"])
    return dict(zip(rows["ids"], np.asarray(rows["embeddings"]).tolist(), strict=True))
