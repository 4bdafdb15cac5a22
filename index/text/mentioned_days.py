"""The days, weeks, months and years that a sentence names, counted from the day of its article."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, partial

from index.text.language import (
    alternatives,
    languages,
    month_numbers,
    month_pattern,
    pattern,
    weekday_numbers,
)
from index.text.participles import participles
from index.text.sentences import Span

Day = datetime.date

_YEAR = r"(?P<year>(?:1\d|20)\d\d)(?!\d)"
_OFFSETS = (-2, -1, 0, 1, 2)  # days
_YEARS_AROUND = (-1, 0, 1)  # in which a day is looked for that is named without its year


class Precision(StrEnum):
    """How exactly a day is known."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, order=True)
class CalendarDay:
    """A day, or the first one of the week, month or year that is known."""

    first: Day
    precision: Precision = Precision.DAY

    @classmethod
    def around(cls, day: Day, precision: Precision) -> CalendarDay:
        """The day itself, or the week, month or year that holds it."""
        firsts = {
            Precision.WEEK: day - datetime.timedelta(days=day.weekday()),
            Precision.MONTH: day.replace(day=1),
            Precision.YEAR: day.replace(month=1, day=1),
        }
        return cls(firsts.get(precision, day), precision)

    def holds(self, other: CalendarDay) -> bool:
        """Whether it is the other one, or the week, month or year around that."""
        return CalendarDay.around(other.first, self.precision) == self and (
            list(Precision).index(self.precision) >= list(Precision).index(other.precision)
        )

    @property
    def iso(self) -> str:
        """In ISO 8601: "2024-06-12", "2024-W24", "2024-06" or "2024"."""
        if self.precision is Precision.WEEK:
            year, week, _ = self.first.isocalendar()
            return f"{year}-W{week:02}"
        lengths = {Precision.MONTH: 7, Precision.YEAR: 4}
        return self.first.isoformat()[: lengths.get(self.precision)]


@dataclass(frozen=True)
class MentionedDay:
    """Where a sentence names a day, and which one. ``relative``: in words like "yesterday"."""

    span: Span
    day: CalendarDay
    relative: bool


@dataclass(frozen=True)
class _Naming:
    """A day as it is named, and from when it counts; ``ahead``: it is to come."""

    match: re.Match[str]
    published: Day
    ahead: bool

    def __getitem__(self, group: str) -> str:
        return self.match.groupdict().get(group) or ""

    @property
    def number(self) -> int:
        """The number in it, 0 if there is none."""
        return _numbers().get(self["number"]) or int(self["number"] or bool(self["first_day"]))

    @property
    def side(self) -> int:
        """1 for the next one, -1 for the last one, 0 if it does not say."""
        text = self.match["when"]
        return bool(pattern("next").search(text)) - bool(pattern("last").search(text))

    def nearest(self, days: Iterable[Day]) -> Day | None:
        """The next one or the last one of these days; today is neither where that is written."""
        side, today = self.side, self.published
        if side > 0 or (self.ahead and not side):
            return min((d for d in days if d > today or (d == today and not side)), default=None)
        return max((d for d in days if d < today or (d == today and not side)), default=None)


_Resolve = Callable[[_Naming], CalendarDay | None]


def mentioned_days(sentence: str, published: Day | None) -> list[MentionedDay]:
    """The days that a sentence names, in its order.

    ``published``: the day of its article; without it only those count whose year is written. A day
    of the week, or one without its year, is the last one, or the next one if the nearest verb tells
    of what is to come.
    """
    plain = folded(sentence)
    found: dict[Span, MentionedDay] = {}
    for form, resolve in _forms():
        for match in form.finditer(plain):
            span = Span(*match.span("when"))
            is_part = any(span.start < one.end and one.start < span.end for one in found)
            naming = _Naming(match, published or Day.max, _is_ahead(sentence, span))
            if is_part or not (published or naming["year"]):
                continue
            with suppress(ValueError, OverflowError):  # 31 February, ten thousand years ago
                if day := resolve(naming):
                    found[span] = MentionedDay(span, day, bool(naming["relative"]))
    return [found[span] for span in sorted(found)]


def folded(text: str) -> str:
    """A text in lower case, without accents and curly apostrophes; as long as it was."""
    plain = (unicodedata.normalize("NFD", character)[0].lower()[0] for character in text)
    return "".join(plain).replace("’", "'")


@cache
def _forms() -> tuple[tuple[re.Pattern[str], _Resolve], ...]:
    """How days are named, and what resolves each; what may be part of another comes last."""
    month, weekday = f"(?P<month>{month_pattern()})", f"(?P<weekday>{'|'.join(weekday_numbers())})"
    number = rf"(?P<number>\d{{1,3}}|{'|'.join(sorted(_numbers(), reverse=True))})"
    above_one = "|".join(sorted(word for word, n in _numbers().items() if n > 1))
    first = rf"(?P<first_day>{alternatives('first_day')})"
    day = rf"(?:{first}|(?P<number>\d{{1,2}}|{above_one})(?:[º°]|st|nd|rd|th)?)"
    link, unit_year = alternatives("day_link"), alternatives("unit_year")
    side = f"(?:{alternatives('last')}|{alternatives('next')})"
    units = "|".join(f"(?P<unit_{unit}>{alternatives(f'unit_{unit}')})" for unit in Precision)
    year = rf"(?:,?\s+(?:{link}\s+)?{_YEAR})"
    beside = rf"(?P<beside>\s+{link}\s*(?:{side}\s+{unit_year}|{unit_year}\s+{side}))"
    lead = rf"(?:(?P<lead>\b{alternatives('month_lead')})\s*)?"
    forms: list[tuple[str, _Resolve]] = [
        (rf"(?:{weekday},?\s+)?{day}\s+(?:{link}\s+)?{month}\b"
         rf"(?:{year}|{beside}|\s+{side})?", _date),
        (rf"(?:{weekday},?\s+)?{month}\s+(?P<number>\d{{1,2}})(?:st|nd|rd|th)?\b{year}?", _date),
        (rf"{lead}(?P<when>\b(?:{side}\s+)?{month}\b(?:{year}|{beside}|\s+{side})?)", _month),
        (rf"(?:{side}\s+)?{weekday}\b(?:\s+{side}|\s+(?P<number>\d{{1,2}})(?!\w|[:.]\d))?",
         _weekday),
        (rf"{number}\s*(?:{units})\s+{alternatives('ago')}", partial(_counted, -1)),
        (rf"{alternatives('ahead')}\s+{number}\s*(?:{units})", partial(_counted, 1)),
        (rf"(?:{side}\s+|{alternatives('this')}\s*)(?:{units})", _beside),
        (rf"(?:{units})\s+{side}", _beside),
        (rf"(?:\b{alternatives('year_lead')}\s+|\()(?P<when>{_YEAR})", _year),
        *((f"(?P<relative>{alternatives(f'days_{n:+}')})", partial(_offset, n)) for n in _OFFSETS),
    ]  # fmt: skip
    return tuple(
        (re.compile(form if "<when>" in form else rf"\b(?P<when>{form})\b"), resolve)
        for form, resolve in forms
    )


def _date(naming: _Naming) -> CalendarDay | None:
    """A day of a month: of the year that is written or nearest, on the weekday that is written."""
    month, base = month_numbers()[naming["month"]], naming.published.year
    if naming["year"] or naming["beside"]:
        return CalendarDay(Day(int(naming["year"] or base + naming.side), month, naming.number))
    days = []
    for distance in _YEARS_AROUND:
        with suppress(ValueError):  # no 29 February
            days.append(Day(base + distance, month, naming.number))
    weekday = weekday_numbers().get(naming["weekday"])
    fitting = [day for day in days if day.weekday() == weekday]
    day = fitting[0] if len(fitting) == 1 else naming.nearest(days)
    return CalendarDay(day) if day else None


def _month(naming: _Naming) -> CalendarDay | None:
    """A month, if more than its name is there: "may" is a verb."""
    month, today = month_numbers()[naming["month"]], naming.published
    if naming["year"] or naming["beside"]:
        year = int(naming["year"] or today.year + naming.side)
        return CalendarDay(Day(year, month, 1), Precision.MONTH)
    if not (naming["lead"] or naming.side):
        return None
    this = replace(naming, published=today.replace(day=1))
    day = this.nearest(Day(today.year + distance, month, 1) for distance in _YEARS_AROUND)
    return CalendarDay(day, Precision.MONTH) if day else None


def _weekday(naming: _Naming) -> CalendarDay | None:
    """The last or next day of the week, on the day of the month that is written."""
    around = (naming.published + datetime.timedelta(days=n) for n in range(-31, 32))
    days = [day for day in around if day.weekday() == weekday_numbers()[naming["weekday"]]]
    fitting = [day for day in days if naming.number in (0, day.day)]
    day = fitting[0] if len(fitting) == 1 else naming.nearest(fitting)
    return CalendarDay(day) if day else None


def _counted(sign: int, naming: _Naming) -> CalendarDay:
    """So many days, weeks, months or years before or after the day of the article."""
    return _shifted(naming, sign * naming.number)


def _beside(naming: _Naming) -> CalendarDay:
    """The week, month or year before or after that of the article."""
    return _shifted(naming, naming.side)


def _shifted(naming: _Naming, by: int) -> CalendarDay:
    unit = next(unit for unit in Precision if naming[f"unit_{unit}"])
    day = naming.published
    if unit in (Precision.DAY, Precision.WEEK):
        days = by * (7 if unit is Precision.WEEK else 1)
        return CalendarDay.around(day + datetime.timedelta(days=days), unit)
    months = day.year * 12 + day.month - 1 + by * (12 if unit is Precision.YEAR else 1)
    return CalendarDay.around(Day(months // 12, months % 12 + 1, 1), unit)


def _year(naming: _Naming) -> CalendarDay:
    return CalendarDay(Day(int(naming["year"]), 1, 1), Precision.YEAR)


def _offset(days: int, naming: _Naming) -> CalendarDay:
    return CalendarDay(naming.published + datetime.timedelta(days=days))


@cache
def _numbers() -> dict[str, int]:
    """The values of words that count, as "due", by how they are folded."""
    return {w: n for one in languages() for w, n in {**one.numbers, **one.counts}.items()}


def _is_ahead(sentence: str, span: Span) -> bool:
    """Whether the last verb before a span, or else the first one after it, is of the future.

    A participle alone counts only where there is no other verb: "sarà approvato".
    """
    future = [(Span(*match.span()), True) for match in pattern("future").finditer(sentence)]
    auxiliaries = [Span(*match.span()) for match in pattern("auxiliaries").finditer(sentence)]
    for past in (auxiliaries, participles(sentence)):
        verbs = [*((verb, False) for verb in past), *future]
        before = [(verb.end, ahead) for verb, ahead in verbs if verb.end <= span.start]
        after = [(-verb.start, ahead) for verb, ahead in verbs if verb.start >= span.end]
        if before or after:
            return max(before or after)[1]
    return False
