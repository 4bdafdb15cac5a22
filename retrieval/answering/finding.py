"""The passages to look at for a question, and the place of their sentences in its time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answering.quotes import Scored
from retrieval.answering.search import PASSAGES, Found, HybridSearch, worth_reading
from retrieval.questions.scope import Asked

OTHER_TIMES = 3  # of PASSAGES, where a time is asked for: they may tell of it by name
LOOKED_AT = 3 * PASSAGES  # passages of which the newest are preferred
NEWER_PASSAGE = 2.0  # of a passage's fused score, for being the newest of all
IN_TIME = 1.5  # of a sentence's score, for being of the time asked for
NEWER = 3.0  # of a sentence's score, for being of the newest article of all


def find(asked: Asked, generation: Generation, embedder: Embedder) -> list[Found]:
    """The passages that fit a question best, of the outlets and the time that it asks for."""

    def search(k: int, rows: frozenset[int] | None) -> list[Found]:
        return HybridSearch(generation, embedder).passages(asked.question.text, k, rows)

    scope = asked.scope
    if scope.since or scope.until:
        inside = worth_reading(search(PASSAGES, _rows(asked, generation, in_time=True)))
        wanted = max(OTHER_TIMES, PASSAGES - len(inside))
        others = worth_reading(search(wanted, _rows(asked, generation, in_time=False)))
        return inside[: PASSAGES - len(others)] + others
    rows = _rows(asked, generation) if scope.sources else None
    if scope.newest:
        return _newest(search(LOOKED_AT, rows), generation)
    return worth_reading(search(PASSAGES, rows))


def timed(candidates: Sequence[Scored], asked: Asked) -> list[Scored]:
    """The candidates that may answer in the time that is asked for, best first."""
    allowed = [
        candidate
        for candidate in candidates
        if asked.allows(candidate.sentence.article.date, candidate.sentence.article.text)
    ]
    dates = {candidate.sentence.article.date for candidate in allowed}
    scored = [
        replace(candidate, score=candidate.score + _bonus(candidate, asked, dates))
        for candidate in allowed
    ]
    return sorted(scored, key=lambda candidate: -candidate.score)


def _rows(asked: Asked, generation: Generation, *, in_time: bool | None = None) -> frozenset[int]:
    """The passages of the outlets asked for, of the time asked for or of others."""
    scope = asked.scope

    def wanted(source: str | None, date: str | None) -> bool:
        fits = date is None or scope.covers(date)
        return (not scope.sources or source in scope.sources) and in_time in (None, fits)

    return frozenset(generation.store.rows_where(wanted))


def _newest(found: Sequence[Found], generation: Generation) -> list[Found]:
    """The passages with the best scores, where being new counts."""
    paths = {one.passage.article for one in found}
    articles = [generation.store.article(path) for path in paths]
    date_of = {article.path: article.date for article in articles if article}
    dates = set(date_of.values())

    def score(one: Found) -> float:
        return one.score + NEWER_PASSAGE * _newness(date_of.get(one.passage.article), dates)

    return sorted(found, key=score, reverse=True)[:PASSAGES]


def _bonus(candidate: Scored, asked: Asked, dates: Collection[str | None]) -> float:
    date = candidate.sentence.article.date
    if date is None:
        return 0.0
    limited = asked.scope.since or asked.scope.until
    in_time = IN_TIME if limited and asked.scope.covers(date) else 0.0
    return in_time + (NEWER * _newness(date, dates) if asked.scope.newest else 0.0)


def _newness(date: str | None, dates: Collection[str | None]) -> float:
    """How many of the other dates are older, 0–1; 0 where the date is not known."""
    others = {other for other in dates if other and other != date}
    if date is None or not others:
        return 0.0
    return sum(other < date for other in others) / len(others)
