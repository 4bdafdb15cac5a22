"""The passages to look at for a question, of the outlets and the time that it asks for."""

from __future__ import annotations

from collections.abc import Sequence

from index.generations.generation import Generation
from index.models.embedder import Embedder
from retrieval.answering.search import PASSAGES, Found, HybridSearch, worth_reading
from retrieval.answering.timeliness import newness
from retrieval.questions.scope import Asked

OTHER_TIMES = 3  # of PASSAGES, where a time is asked for: they may tell of it by name
LOOKED_AT = 3 * PASSAGES  # passages of which the newest are preferred
NEWER_PASSAGE = 2.0  # of a passage's fused score, for being the newest of all


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
        return one.score + NEWER_PASSAGE * newness(date_of.get(one.passage.article), dates)

    return sorted(found, key=score, reverse=True)[:PASSAGES]
