"""The day of the event that a sentence tells of, among the days that it names."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from index.text.language import alternatives, pattern
from index.text.mentioned_days import (
    CalendarDay,
    MentionedDay,
    Precision,
    folded,
    mentioned_days,
)
from index.text.participles import participles
from index.text.sentences import Span
from retrieval.answering.weights import Linear

_LONG_AGO = 3660  # days from which it does not matter how many
_CLAUSE_ENDS = ",;:()"
_MIN_CLAUSE = 2  # words
_ANY_DAYS = datetime.date(2000, 12, 31), datetime.date(2004, 7, 15)  # of leap years
_AUXILIARY_BEFORE = 3  # words before a participle among which its auxiliary verb is


@dataclass(frozen=True)
class EventDayEvidence:
    """The evidence that a day is the one of the event: each from 0 to 1.

    ``open_ended``: the event only begins or ends on it; ``subordinate``, ``participle``: it is in a
    clause, or with a participle, that tells something beside it; ``attributive``: it says which
    noun is meant; ``after``: the clause has "after" or "before"; ``nearness`` to the article's day;
    ``second``: the sentence has named another day before.
    """

    open_ended: float
    subordinate: float
    attributive: float
    participle: float
    after: float
    nearness: float
    second: float


# ``training.event_days`` fits it. Of sentences that it has not seen, it is right on .86.
EVENT = Linear(
    {
        "open_ended": -1.43,
        "subordinate": -2.15,
        "attributive": -1.14,
        "participle": -1.71,
        "after": -1.66,
        "nearness": 1.98,
        "second": -1.14,
    },
    0.72,
)


def event_day(
    sentence: str, published: datetime.date | None, weights: Linear = EVENT
) -> CalendarDay | None:
    """The day of the event that a sentence of an article of a day tells of; None if it has none.

    Without ``published``, only a day whose year is written.
    """
    days = mentioned_days(sentence, published)
    scores = [weights(one) for one in event_day_evidence(sentence, days, published)]
    best = max(range(len(days)), key=scores.__getitem__, default=None)
    return days[best].day if best is not None and scores[best] >= 0 else None


def yearless_day(sentence: str) -> str:
    """The day of the event without its year, in ISO 8601: "--06-12"; "" if it tells none.

    For an article that has no date: it is the day that does not depend on that date.
    """
    days = [event_day(sentence, published) for published in _ANY_DAYS]
    told = {day.iso[4:] for day in days if day and day.precision is Precision.DAY}
    return f"-{told.pop()}" if len(told) == 1 and all(days) else ""


def event_day_evidence(
    sentence: str, days: Sequence[MentionedDay], published: datetime.date | None
) -> list[EventDayEvidence]:
    """The evidence for each of the days that a sentence names."""
    plain = folded(sentence)
    return [
        EventDayEvidence(
            open_ended=float(is_open),
            subordinate=float(_is_subordinate(before)),
            attributive=float(not one.relative and _is_attributive(before)),
            participle=float(_is_beside_participle(sentence, one.span)),
            after=float(pattern("after").search(_clause(before)) is not None),
            nearness=0.0 if is_open else _nearness(one.day.first, published),
            second=float(one is not days[0]),
        )
        for one in days
        for before in [plain[: one.span.start]]
        for is_open in [_leads("open_day", before)]
    ]


def _clause(text: str) -> str:
    """What a text says after its last comma, but for one in its last words: "who, in 2019,"."""
    *earlier, last = re.split(f"[{_CLAUSE_ENDS}]", text)
    return f"{earlier[-1]} {last}" if earlier and len(last.split()) < _MIN_CLAUSE else last


@cache
def _lead(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){alternatives(name)}\s*$")


def _leads(name: str, before: str) -> bool:
    return _lead(name).search(before) is not None


def _is_subordinate(before: str) -> bool:
    in_brackets = before.count("(") > before.count(")")
    return in_brackets or pattern("subordinators").search(_clause(before)) is not None


def _is_attributive(before: str) -> bool:
    """Whether a noun that is none of time has the day beside it: "the attack of 12 May"."""
    match = _lead("of_day").search(before)
    noun = before[: match.start()].split()[-1:] if match else []
    return bool(noun) and pattern("time_nouns").match(noun[0]) is None


def _is_beside_participle(sentence: str, span: Span) -> bool:
    """Whether the last participle before a day has no auxiliary verb, but another one does.

    "A man arrested on Monday has died."
    """
    every = participles(sentence)
    clause = max(sentence.rfind(end, 0, span.start) for end in _CLAUSE_ENDS)
    own = [one for one in every if clause < one.start < span.start]
    if not own or pattern("auxiliaries").search(sentence, own[-1].end, span.start):
        return False
    return not _has_auxiliary(sentence, own[-1]) and any(_has_auxiliary(sentence, p) for p in every)


def _has_auxiliary(sentence: str, participle: Span) -> bool:
    before = sentence[: participle.start].split()[-_AUXILIARY_BEFORE:]
    return pattern("auxiliaries").search(" ".join(before)) is not None


def _nearness(day: datetime.date, published: datetime.date | None) -> float:
    distance = abs((day - published).days) if published else _LONG_AGO
    return max(0.0, 1 - math.log1p(distance) / math.log(_LONG_AGO))
