"""What the dates of articles mean for a question: which may answer it, and which come first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from retrieval.answering.quotes import Scored
from retrieval.questions.scope import Asked

IN_TIME = 1.5  # of a sentence's score, for being of the time asked for
NEWER = 3.0  # of a sentence's score, for being of the newest article of all


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


def _bonus(candidate: Scored, asked: Asked, dates: Collection[str | None]) -> float:
    date = candidate.sentence.article.date
    if date is None:
        return 0.0
    limited = asked.scope.since or asked.scope.until
    in_time = IN_TIME if limited and asked.scope.covers(date) else 0.0
    return in_time + (NEWER * newness(date, dates) if asked.scope.newest else 0.0)


def newness(date: str | None, dates: Collection[str | None]) -> float:
    """How many of the other dates are older, 0–1; 0 where the date is not known."""
    others = {other for other in dates if other and other != date}
    if date is None or not others:
        return 0.0
    return sum(other < date for other in others) / len(others)
