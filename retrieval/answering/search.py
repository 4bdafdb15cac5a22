"""Finds the passages for a question: dense and keyword candidates, fused by weighted scores."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from index.generations.generation import Generation
from index.generations.store import StoredPassage
from index.models.embedder import Embedder
from index.models.encoder import Vectors
from index.text.dates import ranking_day
from index.text.words import terms
from retrieval.conversation import Interpretation
from retrieval.questions.scope import ScopedQuestion

CANDIDATES = 50  # from each of the two searches
MOST_CANDIDATES = 3000  # where copies of one text displace the others: a second, at most
PASSAGES = 10  # found for a question
MIN_READ = 2  # passages that are read; a third one, far behind, gains nothing on news dev
MAX_BEHIND_TO_READ = 2.5  # of a further passage that is read, in fused scores behind the best
SAME_TEXT = 0.8  # share of the terms from which texts say the same: with no number of their own
MAX_EXACT = 1000  # passages in scope that are all compared: HNSW might find none of them
MIN_OTHER_TIMES = 3  # of PASSAGES, if the question names a time: they may refer to it by name
NEWEST_AMONG = 3 * PASSAGES  # best passages, of which the newest are preferred
NEWEST_BONUS = 2.0  # on the fused score of a passage, for being the newest of all


@dataclass(frozen=True)
class Fusion:
    """How much the z-scores of the three signals count.

    ``passage``: the cosine of the passage's vector; ``sentence``: the highest cosine among the
    vectors of its sentences; ``keyword``: BM25. The defaults have the proportions that
    ``training.fusion`` finds on news that no model has learnt; MAX_BEHIND_TO_READ depends on their
    sum.
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
    """The signals for n candidates, whose ``rows`` have the shape (n,).

    ``z_scores``: of passage, sentence and keyword, as in ``Fusion``; of the shape (n, 3).
    ``left_out``: whether there were more passages to choose from.
    """

    rows: NDArray[np.int64]
    z_scores: Vectors
    left_out: bool


@dataclass(frozen=True)
class ScoredPassage:
    """A passage found: its fused score, and by how much that is ``behind`` the best one's (≥ 0)."""

    passage: StoredPassage
    score: float
    behind: float


def find_passages(
    scoped_question: ScopedQuestion,
    generation: Generation,
    embedder: Embedder,
    interpretation: Interpretation | None = None,
    count: int | None = None,
) -> list[ScoredPassage]:
    """The best passages for a question, from the outlets and the time that it asks for.

    ``count``: how many; without it up to PASSAGES that are worth reading. Those of the articles of
    its ``interpretation`` come first, as near as if each were the best.
    """
    if interpretation is None or not interpretation.articles:
        return _find_in_scope(scoped_question, generation, embedder, count)
    sources = scoped_question.scope.sources
    articles = filter(None, map(generation.store.article, interpretation.articles))
    paths = [one.path for one in articles if not sources or one.source in sources]
    rows = generation.store.passage_rows(paths)
    nearest = HybridSearch(generation, embedder).passages(scoped_question.question.text, among=rows)
    first = [replace(scored, behind=0.0) for scored in nearest]
    if interpretation.only:
        return first
    others = _find_in_scope(scoped_question, generation, embedder, count)
    return first + [scored for scored in others if scored.passage.row not in rows]


def _find_in_scope(
    scoped_question: ScopedQuestion,
    generation: Generation,
    embedder: Embedder,
    count: int | None = None,
) -> list[ScoredPassage]:
    scope, most = scoped_question.scope, count or PASSAGES
    chosen = list if count else worth_reading

    def search(k: int, *, in_time: bool | None = None) -> list[ScoredPassage]:
        """The k nearest passages of these outlets: in the time asked for, outside it, or either."""

        def in_scope(source: str | None, date: str | None) -> bool:
            fits = date is None or scope.covers(date)
            return (not scope.sources or source in scope.sources) and in_time in (None, fits)

        rows = None
        if scope.sources or in_time is not None:
            rows = frozenset(generation.store.rows_where(in_scope))
        return HybridSearch(generation, embedder).passages(scoped_question.question.text, k, rows)

    if scope.since or scope.until:
        inside = chosen(search(most, in_time=True))
        if not scoped_question.named:  # nothing outside may answer
            return inside
        outside_count = max(MIN_OTHER_TIMES, most - len(inside))
        outside = chosen(search(outside_count, in_time=False))
        return inside[: most - len(outside)] + outside
    if scope.newest:
        return _newest(search(NEWEST_AMONG), generation, most)
    return chosen(search(most))


def worth_reading(passages: Sequence[ScoredPassage]) -> list[ScoredPassage]:
    """Those of the passages that may be the best: their scores are near the first one's.

    In a large corpus few are; in a small one, on one subject, nearly all.
    """
    kept, rest = passages[:MIN_READ], passages[MIN_READ:]
    return [*kept, *(scored for scored in rest if scored.behind <= MAX_BEHIND_TO_READ)]


def newness(date: str | None, dates: Collection[str | None]) -> float:
    """The share of the other days that are older or to come, 0–1; 0 if it is unknown or to come."""
    day = ranking_day(date)
    others = {ranking_day(other) for other in dates if other} - {day}
    if not day or not others:
        return 0.0
    return sum(other < day for other in others) / len(others)


def best_rows(scores: Vectors, count: int) -> NDArray[np.int64]:
    """The rows with the highest positive scores, best first; equal scores in the order of rows."""
    rows = np.flatnonzero(scores > 0)
    if len(rows) > count:  # sorting all of a large index takes longer than scoring it
        lowest = np.partition(scores[rows], -count)[-count]
        rows = rows[scores[rows] >= lowest]
    return rows[np.argsort(-scores[rows], kind="stable")][:count]


def says_the_same(text: str, other: str) -> bool:
    """Whether a text from a near-duplicate repeats another one: see SAME_TEXT."""
    return _repeats(frozenset(terms(text)), frozenset(terms(other)))


@dataclass(frozen=True)
class HybridSearch:
    """Searches the passages of one generation by their vectors and by their words."""

    generation: Generation
    embedder: Embedder
    fusion: Fusion = Fusion()

    def passages(
        self, query: str, k: int = PASSAGES, among: frozenset[int] | None = None
    ) -> list[ScoredPassage]:
        """The k passages nearest to a query, best first; only ``among`` these rows, if given."""
        if not self.generation.size or among == frozenset():
            return []
        duplicates = _Duplicates(self.generation)
        count = CANDIDATES
        while True:
            signals = self._signals(query, count, duplicates, among)
            passages, left_out = self._best(signals, k, duplicates)
            # Copies of one agency text may have displaced all others: look further down.
            most = min(self.generation.size, MOST_CANDIDATES)
            if len(passages) == k or not left_out or count >= most:
                return passages
            count *= 4

    def passages_of(self, query: str, rows: frozenset[int]) -> list[ScoredPassage]:
        """Those in these rows that are worth reading, best first, scored as they are among all.

        The first ones are, however many others are nearer: where all are about one subject, small
        differences make large scores. None is left out as a repeat of one in another row.
        """
        if not self.generation.size or not rows:
            return []
        duplicates = _Duplicates(self.generation)
        signals = self._signals(query, CANDIDATES, duplicates, None, rows)
        return worth_reading(self._best(signals, PASSAGES, duplicates, rows)[0])

    def signals(self, query: str) -> Signals:
        """What the fusion weighs, for the candidates of both searches."""
        return self._signals(query, CANDIDATES, _Duplicates(self.generation), None)

    def _signals(
        self,
        query: str,
        count: int,
        duplicates: _Duplicates,
        among: frozenset[int] | None,
        also: frozenset[int] = frozenset(),
    ) -> Signals:
        """The signals for the candidates, and the nearest of ``also``, unless they are too many.

        These do not count for what is usual.
        """
        vector = self.embedder.encode_query(query)
        keywords = self.generation.keywords.scores(query)
        if among is not None:
            outside = np.ones(self.generation.size, bool)
            outside[list(among)] = False
            keywords = np.where(outside, np.float32(0), keywords)
        cosine_of, left_out = self._cosines(vector, count, best_rows(keywords, count), among)
        further = also - cosine_of.keys() if len(also) <= MAX_EXACT else frozenset[int]()
        further_of = self._exact_cosines(further, vector)
        nearest_further = sorted(further_of, key=lambda row: -further_of[row])[:count]
        usual = frozenset(cosine_of)
        cosine_of |= {row: further_of[row] for row in nearest_further}
        rows = np.array(sorted(cosine_of), np.int64)
        cosines = np.array([cosine_of[row] for row in rows.tolist()], np.float32)
        passages = [duplicates.passage(row) for row in rows.tolist()]
        nearest = [(self.generation.sentence_vectors(p) @ vector).max() for p in passages]
        signals = (cosines, np.array(nearest, np.float32), keywords[rows])
        counts = np.array([row in usual for row in rows.tolist()])
        z_scores = np.stack([_z_scores(s, counts) for s in signals], axis=1)
        return Signals(rows, z_scores, left_out)

    def _cosines(
        self,
        vector: Vectors,
        count: int,
        by_keyword: NDArray[np.int64],
        among: frozenset[int] | None,
    ) -> tuple[dict[int, float], bool]:
        """The cosines of both searches' candidates, by row; whether any passages were left out."""
        keyword_rows = set(by_keyword.tolist())
        if among is not None and len(among) <= MAX_EXACT:
            cosine_of = self._exact_cosines(among, vector)
            nearest = sorted(cosine_of, key=lambda row: -cosine_of[row])[:count]
            candidates = {row: cosine_of[row] for row in {*nearest, *keyword_rows}}
            return candidates, len(candidates) < len(cosine_of)
        cosine_of_id = self.generation.vectors.nearest(vector, min(count, self.generation.size))
        row_of = self.generation.store.rows_of(cosine_of_id)
        candidates = {row_of[i]: cosine for i, cosine in cosine_of_id.items()}
        if among is not None:
            candidates = {row: cosine for row, cosine in candidates.items() if row in among}
        left_out = len(candidates) < len(cosine_of_id)
        return candidates | self._exact_cosines(keyword_rows - candidates.keys(), vector), left_out

    def _exact_cosines(self, rows: Iterable[int], vector: Vectors) -> dict[int, float]:
        """The cosine of each of these passages, by row."""
        row_of = {p.id: p.row for p in self.generation.store.passages(sorted(rows))}
        cosine_of_id = self.generation.vectors.cosines(vector, list(row_of))
        return {row_of[i]: cosine for i, cosine in cosine_of_id.items()}

    def _best(
        self, signals: Signals, k: int, duplicates: _Duplicates, among: frozenset[int] | None = None
    ) -> tuple[list[ScoredPassage], bool]:
        """The k best of the candidates ``among`` these rows, and whether any were left out."""
        left_out = signals.left_out
        scores = self.fusion.scores(signals)
        best = float(scores.max())
        passages: list[ScoredPassage] = []
        for index in np.argsort(-scores, kind="stable"):
            if among is not None and int(signals.rows[index]) not in among:
                continue
            passage = duplicates.passage(int(signals.rows[index]))
            if duplicates.repeats(passage, [scored.passage for scored in passages]):
                left_out = True
                continue
            score = float(scores[index])
            passages.append(ScoredPassage(passage, score, best - score))
            if len(passages) == k:
                break
        return passages, left_out


class _Duplicates:
    """Recognizes passages that repeat others. It caches what one search needs repeatedly."""

    def __init__(self, generation: Generation) -> None:
        store = generation.store
        self.passage = cache(lambda row: store.passages([row])[0])
        self._twins = cache(lambda article: frozenset(store.twins(article)))
        self._terms = cache(lambda text: frozenset(terms(text)))

    def repeats(self, passage: StoredPassage, others: Sequence[StoredPassage]) -> bool:
        """Whether a passage says the same as one of the others, from a near-duplicate article."""
        # Only among the few found: a family of copies may be as large as the corpus.
        return any(
            passage.article in self._twins(other.article)
            and _repeats(self._terms(passage.text), self._terms(other.text))
            for other in others
        )


def _newest(
    passages: Sequence[ScoredPassage], generation: Generation, count: int
) -> list[ScoredPassage]:
    """The passages with the best scores, with a bonus for being new."""
    articles = map(generation.store.article, {scored.passage.article for scored in passages})
    date_of = {article.path: article.date for article in articles if article}
    dates = set(date_of.values())

    def score(scored: ScoredPassage) -> float:
        bonus = NEWEST_BONUS * newness(date_of.get(scored.passage.article), dates)
        return scored.score + bonus

    return sorted(passages, key=score, reverse=True)[:count]


def _repeats(own: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two texts share nearly all terms, and the first has no number of its own."""
    few, many = sorted((own, other), key=len)
    has_number = any(term[0].isdigit() for term in own - other)
    return len(few & many) >= SAME_TEXT * len(few) and not has_number


def _z_scores(values: Vectors, usual: NDArray[np.bool_]) -> Vectors:
    """The values minus the mean of the usual ones, in their standard deviations; or zeros."""
    mean, deviation = values[usual].mean(), float(values[usual].std())
    if deviation < 1e-9:
        return np.zeros_like(values)
    return np.asarray((values - mean) / deviation, np.float32)
