"""Finds the passages for a question: dense and keyword candidates, fused by weighted scores."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.generations.generation import Generation
from index.generations.store import Stored
from index.models.embedder import Embedder
from index.models.encoder import Vectors
from index.text.words import terms
from retrieval.conversation import Reading
from retrieval.questions.scope import ScopedQuestion

CANDIDATES = 50  # from each of the two searches
PASSAGES = 10  # found for a question
LEAST = 2  # of them that are read; a third one, far behind, brings nothing on news dev
NEAR = 2.5  # of the fused score, by which a passage may be below the best one to be read
SAME_TEXT = 0.8  # of the terms, from which passages of near-duplicates tell the same
FEW = 1000  # passages to choose from, up to which each is compared: HNSW might find none of them


@dataclass(frozen=True)
class Fusion:
    """How much the z-scores of the three signals count.

    ``passage``: the cosine of the passage's vector; ``sentence``: the highest cosine among the
    vectors of its sentences; ``keyword``: BM25. The proportions of the defaults are those that
    ``training.fusion`` finds on news that no model has learnt; ``NEAR`` depends on their sum.
    """

    passage: float = 0.85
    sentence: float = 1.3
    keyword: float = 0.65

    def scores(self, signals: Signals) -> Vectors:
        """The fused score of each candidate."""
        weights = np.array([self.passage, self.sentence, self.keyword], np.float32)
        return np.asarray(signals.z_scores @ weights, np.float32)


@dataclass(frozen=True)
class Signals:
    """What speaks for each of n candidates, whose ``rows`` have the shape (n,).

    ``z_scores``: of passage, sentence and keyword, as in ``Fusion``; of the shape (n, 3).
    ``left_out``: whether there were more passages to choose from.
    """

    rows: NDArray[np.int64]
    z_scores: Vectors
    left_out: bool


@dataclass(frozen=True)
class ScoredPassage:
    """A passage found: its fused score, and by how much that is ``behind`` the best one's (≥ 0)."""

    passage: Stored
    score: float
    behind: float


@dataclass(frozen=True)
class HybridSearch:
    """Looks for passages in one generation, by their vectors and by their words."""

    generation: Generation
    embedder: Embedder
    fusion: Fusion = Fusion()

    def passages(
        self, query: str, k: int = PASSAGES, among: frozenset[int] | None = None
    ) -> list[ScoredPassage]:
        """The k passages nearest to a query, best first; ``among`` these rows, where given."""
        if not self.generation.size or among == frozenset():
            return []
        copies = _Copies(self.generation)
        count = CANDIDATES
        while True:
            signals = self._signals(query, count, copies, among)
            found, left_out = self._best(signals, k, copies)
            # Copies of one agency text may have taken all the places: look further down.
            if len(found) == k or not left_out or count >= self.generation.size:
                return found
            count *= 4

    def signals(self, query: str) -> Signals:
        """What the fusion weighs, of the candidates of both searches."""
        return self._signals(query, CANDIDATES, _Copies(self.generation), None)

    def _signals(
        self, query: str, count: int, copies: _Copies, among: frozenset[int] | None
    ) -> Signals:
        vector = self.embedder.encode_query(query)
        rows, cosines, keywords, left_out = self._candidates(query, vector, count, among)
        nearest = [self._nearest_sentence(copies.passage(row), vector) for row in rows.tolist()]
        signals = (cosines, np.array(nearest, np.float32), keywords)
        return Signals(rows, np.stack([_z_scores(s) for s in signals], axis=1), left_out)

    def _best(self, signals: Signals, k: int, copies: _Copies) -> tuple[list[ScoredPassage], bool]:
        """The best of the candidates, and whether any were left out."""
        left_out = signals.left_out
        scores = self.fusion.scores(signals)
        best = float(scores.max())
        found: list[ScoredPassage] = []
        for at in np.argsort(-scores, kind="stable"):
            passage = copies.passage(int(signals.rows[at]))
            if copies.repeats(passage, [one.passage for one in found]):
                left_out = True
                continue
            score = float(scores[at])
            found.append(ScoredPassage(passage, score, best - score))
            if len(found) == k:
                break
        return found, left_out

    def _nearest_sentence(self, passage: Stored, vector: Vectors) -> float:
        return float((self.generation.sentence_vectors(passage) @ vector).max())

    def _candidates(
        self, query: str, vector: Vectors, count: int, among: frozenset[int] | None
    ) -> tuple[NDArray[np.int64], Vectors, Vectors, bool]:
        """Rows of both searches' candidates, both scores of each; whether any were left out."""
        keywords = self.generation.keywords.scores(query)
        if among is not None:
            others = np.ones(self.generation.size, bool)
            others[list(among)] = False
            keywords = np.where(others, np.float32(0), keywords)
        by_keyword = best_rows(keywords, count).tolist()
        if among is not None and len(among) <= FEW:
            every = self._compared(among, vector)
            near = sorted(every, key=lambda row: -every[row])[:count]
            cosine_of = {row: every[row] for row in {*near, *by_keyword}}
            left_out = len(cosine_of) < len(every)
        else:
            cosine_of, left_out = self._nearest(vector, count, by_keyword, among)
        rows = np.array(sorted(cosine_of), np.int64)
        cosines = np.array([cosine_of[row] for row in rows.tolist()], np.float32)
        return rows, cosines, keywords[rows], left_out

    def _compared(self, rows: Iterable[int], vector: Vectors) -> dict[int, float]:
        """The cosine of each of these passages, by row."""
        row_of = {p.id: p.row for p in self.generation.store.passages(sorted(rows))}
        found = self.generation.vectors.cosines(vector, list(row_of))
        return {row_of[i]: cosine for i, cosine in found.items()}

    def _nearest(
        self,
        vector: Vectors,
        count: int,
        by_keyword: Sequence[int],
        among: frozenset[int] | None,
    ) -> tuple[dict[int, float], bool]:
        """The cosines of the nearest passages and of these; whether any are not to choose from."""
        found = self.generation.vectors.nearest(vector, min(count, self.generation.size))
        row_of = self.generation.store.rows_of(found)
        wanted = {
            row_of[i]: cosine for i, cosine in found.items() if among is None or row_of[i] in among
        }
        left_out = len(wanted) < len(found)
        return wanted | self._compared(set(by_keyword) - wanted.keys(), vector), left_out


class _Copies:
    """Tells which passages repeat others. What a question reads again and again is kept."""

    def __init__(self, generation: Generation) -> None:
        self._store = generation.store
        self._passages: dict[int, Stored] = {}
        self._terms: dict[int, set[str]] = {}
        self._twins: dict[str, frozenset[str]] = {}

    def passage(self, row: int) -> Stored:
        """The passage in a row."""
        if row not in self._passages:
            (self._passages[row],) = self._store.passages([row])
        return self._passages[row]

    def repeats(self, passage: Stored, found: Sequence[Stored]) -> bool:
        """Whether a passage tells what one of these of a near-duplicate article tells."""
        # Only among the few found: a family of copies may be as large as the corpus.
        return any(
            passage.article in self._twins_of(other.article)
            and _share(self._terms_of(passage), self._terms_of(other)) >= SAME_TEXT
            for other in found
        )

    def _twins_of(self, article: str) -> frozenset[str]:
        if article not in self._twins:
            self._twins[article] = frozenset(self._store.twins(article))
        return self._twins[article]

    def _terms_of(self, passage: Stored) -> set[str]:
        if passage.row not in self._terms:
            self._terms[passage.row] = set(terms(passage.text))
        return self._terms[passage.row]


def worth_reading(found: Sequence[ScoredPassage]) -> list[ScoredPassage]:
    """Those, of passages found, that may be the best: their scores are near the first one's.

    In a large corpus few are; in a small one, on one subject, nearly all.
    """
    return [one for at, one in enumerate(found) if at < LEAST or one.behind <= NEAR]


def best_rows(scores: Vectors, count: int) -> NDArray[np.int64]:
    """The rows with the highest positive scores, best first; of equal ones the first row first."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > count:  # sorting all of a large index takes longer than scoring it
        least = np.partition(scores[rows], -count)[-count]
        rows = rows[scores[rows] >= least]
    return rows[np.argsort(-scores[rows], kind="stable")][:count]


def share_of_terms(one: str, other: str) -> float:
    """How many of the different terms of the shorter text the other one has, 0–1."""
    return _share(set(terms(one)), set(terms(other)))


def _share(one: set[str], other: set[str]) -> float:
    few, many = sorted((one, other), key=len)
    return len(few & many) / len(few) if few else 1.0


def _z_scores(values: Vectors) -> Vectors:
    """The values less their mean, in standard deviations; zeros where they do not differ."""
    deviation = float(values.std())
    if deviation < 1e-9:
        return np.zeros_like(values)
    return np.asarray((values - values.mean()) / deviation, np.float32)


OTHER_TIMES = 3  # of PASSAGES, where a time is asked for: they may tell of it by name
LOOKED_AT = 3 * PASSAGES  # passages of which the newest are preferred
NEWER_PASSAGE = 2.0  # of a passage's fused score, for being the newest of all


def find(
    asked: ScopedQuestion, generation: Generation, embedder: Embedder, reading: Reading
) -> list[ScoredPassage]:
    """The passages that fit a question best, of the outlets and the time that it asks for.

    Those of the articles that it is read in come first, as near as if each were the best.
    """
    first = _in_articles(asked, generation, embedder, reading.articles)
    if reading.only:
        return first
    known = {one.passage.row for one in first}
    return first + [
        one for one in _in_scope(asked, generation, embedder) if one.passage.row not in known
    ]


def _in_articles(
    asked: ScopedQuestion, generation: Generation, embedder: Embedder, articles: Sequence[str]
) -> list[ScoredPassage]:
    rows = generation.store.passage_rows(articles) if articles else frozenset[int]()
    nearest = HybridSearch(generation, embedder).passages(asked.question.text, among=rows)
    return [replace(one, behind=0.0) for one in nearest]


def _in_scope(
    asked: ScopedQuestion, generation: Generation, embedder: Embedder
) -> list[ScoredPassage]:

    def search(k: int, rows: frozenset[int] | None) -> list[ScoredPassage]:
        return HybridSearch(generation, embedder).passages(asked.question.text, k, rows)

    scope = asked.scope
    if scope.since or scope.until:
        inside = worth_reading(search(PASSAGES, _rows_in_scope(asked, generation, in_time=True)))
        wanted = max(OTHER_TIMES, PASSAGES - len(inside))
        others = worth_reading(search(wanted, _rows_in_scope(asked, generation, in_time=False)))
        return inside[: PASSAGES - len(others)] + others
    rows = _rows_in_scope(asked, generation) if scope.sources else None
    if scope.newest:
        return _newest(search(LOOKED_AT, rows), generation)
    return worth_reading(search(PASSAGES, rows))


def _rows_in_scope(
    asked: ScopedQuestion, generation: Generation, *, in_time: bool | None = None
) -> frozenset[int]:
    """The passages of the outlets asked for, of the time asked for or of others."""
    scope = asked.scope

    def wanted(source: str | None, date: str | None) -> bool:
        fits = date is None or scope.covers(date)
        return (not scope.sources or source in scope.sources) and in_time in (None, fits)

    return frozenset(generation.store.rows_where(wanted))


def _newest(found: Sequence[ScoredPassage], generation: Generation) -> list[ScoredPassage]:
    """The passages with the best scores, where being new counts."""
    paths = {one.passage.article for one in found}
    articles = [generation.store.article(path) for path in paths]
    date_of = {article.path: article.date for article in articles if article}
    dates = set(date_of.values())

    def score(one: ScoredPassage) -> float:
        return one.score + NEWER_PASSAGE * newness(date_of.get(one.passage.article), dates)

    return sorted(found, key=score, reverse=True)[:PASSAGES]


def newness(date: str | None, dates: Collection[str | None]) -> float:
    """How many of the other dates are older, 0–1; 0 where the date is not known."""
    others = {other for other in dates if other and other != date}
    if date is None or not others:
        return 0.0
    return sum(other < date for other in others) / len(others)
