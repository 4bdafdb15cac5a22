"""Which questions new articles may answer: a matrix product leaves few for search and reader."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.generations.generation import Generation
from index.generations.store import StoredPassage
from index.models.encoder import Vectors
from index.text.words import terms
from retrieval.answering.search import CANDIDATES, Fusion
from retrieval.questions.topic import topic_words

# An article is as near to a question as the best of its passages: the cosines of the passage and of
# its nearest sentence, in the proportion of the search. The share of the question's terms that the
# article has, weighted with WORDS, is added. docs/quality.md has the figures.
WORDS = 0.1
LEAST = 0.58  # of an article that may answer
MOST_BEHIND = 0.06  # the nearest article of all, unless it is
NEAR = 0.7  # or nearer
_BATCH = 512  # passages compared at once


@dataclass(frozen=True)
class Nearest:
    """How near the nearest article is to a question, and its path."""

    score: float
    article: str


@dataclass(frozen=True)
class Standing:
    """A question that stays asked, its unit vector, and the nearest article before, if known."""

    text: str
    vector: Vectors
    nearest: Nearest | None = None


@dataclass(frozen=True)
class Chance:
    """Whether new articles may answer a question, and which article is the nearest now."""

    may_be_answered: bool
    nearest: Nearest | None


def chances(
    questions: Sequence[Standing], articles: Collection[str], generation: Generation
) -> list[Chance]:
    """The chance of each question to be answered by these articles, which are new or changed.

    The nearest article of a question is searched for if it is unknown, gone, or among them.
    """
    paths = [path for path in sorted(articles) if generation.store.passage_rows([path])]
    if not paths or not questions:
        return [Chance(may_be_answered=False, nearest=question.nearest) for question in questions]
    bars = [_bar(question, articles, generation) for question in questions]
    near = _nearness(np.stack([q.vector for q in questions]), paths, generation)
    return [
        _chance(question, bar, dict(zip(paths, row, strict=True)), generation)
        for question, bar, row in zip(questions, bars, near.tolist(), strict=True)
    ]


def _chance(
    question: Standing, bar: Nearest | None, near: dict[str, float], generation: Generation
) -> Chance:
    least = max(LEAST, min(bar.score - MOST_BEHIND, NEAR)) if bar else LEAST
    possible = [path for path, score in near.items() if score + WORDS >= least]
    scored = [
        Nearest(near[path] + _words(question.text, path, generation), path) for path in possible
    ]
    best = max(scored, key=lambda one: one.score, default=None)
    if best is None or best.score < least:
        return Chance(may_be_answered=False, nearest=bar)
    nearest = best if bar is None or best.score > bar.score else bar
    return Chance(may_be_answered=True, nearest=nearest)


def _bar(question: Standing, new: Collection[str], generation: Generation) -> Nearest | None:
    """The nearest article that is not new; None if there is none."""
    known = question.nearest
    if known and known.article not in new and generation.store.passage_rows([known.article]):
        return known
    found = generation.vectors.nearest(question.vector, min(CANDIDATES, generation.size))
    passages = generation.store.passages(sorted(generation.store.rows_of(found).values()))
    paths = sorted({passage.article for passage in passages} - set(new))
    if not paths:
        return None
    (near,) = _nearness(question.vector[None, :], paths, generation).tolist()
    scores = {
        path: score + _words(question.text, path, generation)
        for path, score in zip(paths, near, strict=True)
    }
    best = max(scores, key=scores.__getitem__)
    return Nearest(scores[best], best)


def _words(question: str, path: str, generation: Generation) -> float:
    """What the question's terms add that an article has."""
    wanted = {term for word in topic_words(question) for term in terms(word)}
    rows = generation.store.passage_rows([path])
    held = sum(not rows.isdisjoint(generation.keywords.rows_with(term)) for term in wanted)
    return WORDS * held / len(wanted) if wanted else 0.0


def _nearness(
    vectors: Vectors, paths: Sequence[str], generation: Generation
) -> NDArray[np.float32]:
    """How near articles are to questions, without their words: shape (questions, paths)."""
    near = np.full((len(vectors), len(paths)), -1.0, np.float32)
    column_of = {path: column for column, path in enumerate(paths)}
    rows = sorted(generation.store.passage_rows(paths))
    for start in range(0, len(rows), _BATCH):
        passages = generation.store.passages(rows[start : start + _BATCH])
        for passage, column in _columns(vectors, passages, generation):
            best = near[:, column_of[passage.article]]
            np.maximum(best, column, out=best)
    return near


def _columns(
    vectors: Vectors, passages: Sequence[StoredPassage], generation: Generation
) -> Iterator[tuple[StoredPassage, Vectors]]:
    """How near each passage is to each question, shape (questions,)."""
    stored = generation.vectors.stored([passage.id for passage in passages])
    passages = [passage for passage in passages if passage.id in stored]
    if not passages:
        return
    weights = Fusion()
    sentences = [generation.sentence_vectors(passage) for passage in passages]
    starts = np.cumsum([0, *map(len, sentences[:-1])])
    cosines = vectors @ np.stack([stored[passage.id] for passage in passages]).T
    nearest = np.maximum.reduceat(vectors @ np.concatenate(sentences).T, starts, axis=1)
    fused = weights.passage * cosines + weights.sentence * nearest
    for passage, column in zip(passages, fused.T, strict=True):
        yield passage, column / (weights.passage + weights.sentence)
