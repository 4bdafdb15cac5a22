"""The outlets and the dates that a question limits its answer to."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from index.text.language import (
    MAIN,
    alternatives,
    codes,
    languages,
    month_numbers,
    month_pattern,
    pattern,
    vocabulary,
)
from index.text.words import words
from retrieval.answer import Question, Scope

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

Day = datetime.date

_YEAR = r"(?:19|20)\d\d"
_DAY = datetime.timedelta(days=1)
MIN_OUTLET = 4  # letters of an outlet's name that counts wherever it stands
_UNITS = ("day", "week", "month", "year")
_SLACK = datetime.timedelta(days=2)  # news of a day is printed on the next


@dataclass(frozen=True)
class ScopedQuestion:
    """A question as it is searched, and its scope. ``named``: the words that tell its time.

    An article from another time may still tell of that time, if it has these words. There are
    none where it may not: "after June", "last week". ``timeless``: the question without its time.
    """

    question: Question
    scope: Scope
    named: frozenset[str] = frozenset()
    timeless: Question | None = None

    def wording_for(self, date: str | None) -> Question:
        """The question as an article with this date is asked.

        Without the time where the date tells that already: the text need not.
        """
        limited = self.scope.since or self.scope.until
        dated = self.scope.newest or (limited and date and self.scope.covers(date))
        return self.timeless if self.timeless and dated else self.question

    def allows(self, date: str | None, text: str) -> bool:
        """Whether an article with this text and this date, None if unknown, may answer."""
        if date is None or self.scope.covers(date):
            return True
        return bool(self.named) and self.named <= _named(text)


def scoped(question: Question, sources: Collection[str], dates: Collection[str]) -> ScopedQuestion:
    """The question without the words that name an outlet, and what it keeps to.

    ``sources`` and ``dates`` (ISO 8601) are those that articles have: a question keeps to no
    outlet that none of them has, and "settembre" is the last September that one of them has. The
    question's own ``limits`` count more than its text.
    """
    text, named_sources = _outlets(question.text, sources)
    since, until, named = _time(question, dates)
    newest = bool(dates) and pattern("newest").search(question.text) is not None
    limits = question.limits
    if limits.since or limits.until:
        since, until, named = limits.since, limits.until, frozenset()
    scope = Scope(limits.sources or named_sources, since, until, newest=newest)
    timeless = _timeless(text) if newest or since or until else text
    return ScopedQuestion(
        Question(text, question.day), scope, named, Question(timeless, question.day)
    )


def named_outlets(text: str, sources: Collection[str]) -> tuple[str, ...]:
    """The outlets that a request names anywhere, as in "confronta AgenPress e Globalist"."""
    named, plain = [], text.lower()
    for source in sorted(sources):
        name = re.sub(r"\.\w{2,3}$", "", source)
        if len(name) < MIN_OUTLET or name.lower() not in plain:
            continue  # there may be hundreds
        match = re.search(rf"(?<!\w){re.escape(name)}(?:\.\w{{2,3}})?(?!\w)", text, re.I)
        if match and _is_meant(match[0], name):
            named.append(source)
    return tuple(named)


def _outlets(text: str, sources: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The text without "secondo AgenPress", and the outlets that it names so."""
    named = []
    for source in sorted(sources, key=len, reverse=True):
        for name in dict.fromkeys((source, re.sub(r"\.\w{2,3}$", "", source))):
            if name.lower() not in text.lower():
                continue  # there may be hundreds
            match = re.search(rf"{_source_lead()}(?P<name>{re.escape(name)})(?!\w),?", text, re.I)
            if match and _is_meant(match["name"], name):
                named.append(source)
                if match["lead"]:  # "che cosa dice X" is searched with its outlet
                    text = _without(text, match)
                break
    return text, tuple(sorted(named))


@cache
def _source_lead() -> str:
    """What leads to the name of an outlet. In ``lead``: words that go with it."""
    quoted, article = alternatives("source_quoted"), alternatives("article")
    lead = rf"(?P<lead>{alternatives('source_lead')}\s+(?:{quoted}\s+)?)"
    return rf",?\s*\b(?:{lead}|{alternatives('source_says')}\s*)(?:\b{article}\s*)?(?<!\w)"


def _is_meant(written: str, name: str) -> bool:
    """Whether this is the outlet's name: "la stampa" may be any press, "La Stampa" is not."""
    from simplemma import is_known

    if any(c.isupper() for c in written):
        return True
    return not all(is_known(word, lang=MAIN) for word in name.lower().split())


def _without(text: str, match: re.Match[str]) -> str:
    """The text without a match; all of it, if nothing else is left."""
    rest = " ".join(f"{text[: match.start()]} {text[match.end() :]}".split())
    rest = re.sub(r"\s+([?,.!])", r"\1", rest).lstrip(" ,")
    return rest[:1].upper() + rest[1:] if len(words(rest)) > 1 else text


def _time(
    question: Question, dates: Collection[str]
) -> tuple[Day | None, Day | None, frozenset[str]]:
    """First and last day of what the question keeps to, and the words that name it."""
    matches = list(_times().finditer(question.text)) if dates else []
    if not matches:
        return None, None, frozenset()
    for day in _readings(question.day, dates):
        since, until, open_ended = _bounds(question.text, matches, day)
        if any(Scope((), since, until).covers(date) for date in dates):
            break
    else:
        since, until, open_ended = _bounds(question.text, matches, question.day)
    relative = any(_unit(match) for match in matches)
    named = frozenset(word for match in matches for word in _named(match[0]))
    return since, until, frozenset() if open_ended or relative else named


@cache
def _times(lead: str = "") -> re.Pattern[str]:
    """Names of a time: "13 settembre 2023", "settembre", "2023", "la settimana scorsa"."""
    past = "|".join(f"(?P<{unit}>{alternatives(f'past_{unit}')})" for unit in _UNITS)
    month, of = month_pattern(), rf"(?:{alternatives('month_of')}\s+)?{_YEAR}"
    alone = {name for one in languages() for name in one.months}
    alone -= vocabulary("months_that_are_words")
    return re.compile(
        rf"{lead}\b(?:\d{{1,2}}[º°]?\s+{month}(?:\s+{of})?|{month}\s+\d{{1,2}},?\s+{_YEAR}"
        rf"|{month}\s+{of}|{'|'.join(sorted(alone))}|{_YEAR}|{past})\b",
        re.IGNORECASE,
    )


def _timeless(text: str) -> str:
    """The text without the words that name a time, and those that lead to them."""
    for named in (_times(rf"(?:\b{alternatives('time_lead')}\s*)*"), pattern("newest")):
        while match := named.search(text):
            shorter = _without(text, match)
            if shorter == text:
                break
            text = shorter
    return text


def _named(text: str) -> set[str]:
    """The words of a text, months in no language, without those that every text has."""
    months = month_numbers()
    content = set(words(text)) - vocabulary("stop_words")
    return {f"month {months[word]}" if word in months else word for word in content}


def _readings(day: Day, dates: Collection[str]) -> Iterator[Day]:
    """Days from which to look back at a month without a year: now, then the years before."""
    yield day
    for year in sorted({int(date[:4]) for date in dates}, reverse=True):
        if year < day.year:
            yield Day(year, 12, 31)


def _bounds(
    text: str, matches: list[re.Match[str]], day: Day
) -> tuple[Day | None, Day | None, bool]:
    """First and last day, and whether one of them is open."""
    periods = [_period(match, day) for match in matches]
    first, before = periods[0], text[: matches[0].start()]
    if first is None:
        return None, None, False
    if len(periods) > 1 and periods[1] and _leads("between", before):
        return first[0], periods[1][1], True
    if _leads("after", before):
        return first[1] + _DAY, None, True
    if _leads("since", before):
        return first[0], None, True
    if _leads("before", before):
        return None, first[0] - _DAY, True
    if _leads("until", before):
        return None, first[1], True
    return first[0], first[1] + _SLACK, False


def _leads(name: str, before: str) -> bool:
    """Whether a text ends with such a preposition, and maybe an article."""
    lead = rf"\b{alternatives(name)}\s*(?:\b{alternatives('time_article')}\s*)*$"
    return re.search(lead, before, re.IGNORECASE) is not None


def _unit(match: re.Match[str]) -> str | None:
    """The unit of a time that counts from today: "week" for "last week"."""
    return next((unit for unit in _UNITS if match[unit]), None)


def _period(match: re.Match[str], day: Day) -> tuple[Day, Day] | None:
    """First and last day of what was matched, as somebody would mean it on a day."""
    if unit := _unit(match):
        return _past(unit, day)
    text = re.sub(rf"\b{alternatives('month_of')}\s+|[º°]", "", match[0], flags=re.IGNORECASE)
    base = datetime.datetime.combine(day, datetime.time())
    parsed = _parser(base).get_date_data(text.lower())
    if parsed.date_obj is None:
        return None
    start: Day = parsed.date_obj.date()
    return _around(start, parsed.period or "day")


def _past(unit: str, day: Day) -> tuple[Day, Day]:
    """First and last day of the day, week, month or year before that of a day."""
    first, _ = _around(day, unit)
    return _around(first - _DAY, unit)


def _around(day: Day, unit: str) -> tuple[Day, Day]:
    """First and last day of the day, week, month or year that holds a day."""
    if unit == "year":
        return Day(day.year, 1, 1), Day(day.year, 12, 31)
    if unit == "month":
        after = Day(day.year + day.month // 12, day.month % 12 + 1, 1)
        return day.replace(day=1), after - _DAY
    if unit == "week":
        monday = day - datetime.timedelta(days=day.weekday())
        return monday, monday + datetime.timedelta(days=6)
    return day, day


@cache
def _parser(base: datetime.datetime) -> DateDataParser:
    from dateparser.date import DateDataParser

    settings = {"RELATIVE_BASE": base, "PREFER_DATES_FROM": "past", "PREFER_DAY_OF_MONTH": "first"}
    return DateDataParser(languages=list(codes()), settings=settings)
