"""Looks whether a generation is what it should be."""

from __future__ import annotations

from index.generation import Generation
from index.vectors import Vectors

FEW = 10  # nearest passages, among which a passage finds itself
SAME = 0.999  # cosine of passages with the same text, which may take all those places


def faults(generation: Generation, *, thoroughly: bool = False) -> list[str]:
    """What is wrong with an open generation: counts that differ, a passage that is not found."""
    manifest = generation.manifest
    articles = {header.path for header in generation.store.article_headers()}
    found = []
    if other := len(articles ^ (manifest.files.keys() - manifest.skipped.keys())):
        found.append(f"{other} articles are not both in the store and in the manifest")
    if not generation.size:
        return found
    if generation.keywords.size != generation.size:
        found.append(f"{generation.keywords.size} rows of keywords for {generation.size} passages")
    if generation.vectors.count() != generation.size:
        found.append(f"{generation.vectors.count()} vectors for {generation.size} passages")
    for row in {0, generation.size // 2, generation.size - 1}:
        (passage,) = generation.store.passages([row])
        vector = generation.vectors.stored([passage.id]).get(passage.id)
        if vector is None:
            found.append(f"passage {passage.id} has no vector")
        elif not _finds_itself(generation, passage.id, vector):
            found.append(f"a search does not find passage {passage.id}")
    if thoroughly:
        stored = set(generation.store.ids(range(generation.size)))
        if other := len(stored ^ generation.vectors.ids()):
            found.append(f"{other} ids are not both in the store and in Chroma")
    return found


def _finds_itself(generation: Generation, passage: str, vector: Vectors) -> bool:
    nearest = generation.vectors.nearest(vector, min(FEW, generation.size))
    return passage in nearest or min(nearest.values(), default=0.0) > SAME
