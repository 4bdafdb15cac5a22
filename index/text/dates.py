"""Days and times of day: their order, and how texts print them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

from index.text.language import month_numbers
from index.text.words import words

_MIN_MONTH = 3  # letters of a short month: "set" in Italian, "Sep" in English
_PRINTED = re.compile(
    r"(?<![\d/.-])(?:(?P<y1>(?:19|20)\d\d)(?P<s1>[-/.])(?P<m1>\d\d?)(?P=s1)(?P<d1>\d\d?)"
    r"|(?P<d2>\d\d?)(?P<s2>[-/.])(?P<m2>\d\d?)(?P=s2)(?P<y2>(?:19|20)\d\d)"
    r"|(?P<d3>\d\d?)(?:[º°]|st|nd|rd|th)?\s+(?P<n3>[^\W\d_]{3,})\.?,?\s+(?P<y3>(?:19|20)\d\d)"
    r"|(?P<n4>[^\W\d_]{3,})\.?\s+(?P<d4>\d\d?)(?:st|nd|rd|th)?,?\s+(?P<y4>(?:19|20)\d\d))(?!\d)",
    re.IGNORECASE,
)

_CLOCK = re.compile(
    r"(?<![\d.:,])(?:(?i:ore|alle|at|h)\.?\s+)?\d{1,2}[:.][0-5]\d(?![\d%€]|[.:,]\d)"
    r"(?i:\s*[ap]\.?m\b\.?)?(?:\s+(?:[A-Z]{3,4}|UTC[+-]\d)\b)?"
)
_BESIDE_A_CLOCK = " \t-–—:|[]()*"


def ranking_day(date: str | None) -> str:
    """The day, YYYY-MM-DD, by which newer articles come first; "" if it is unknown or to come.

    ``date`` is in ISO 8601. Tomorrow counts as reached: it has begun somewhere.
    """
    tomorrow = datetime.date.today() + datetime.timedelta(days=1)
    day = (date or "")[:10]
    return day if day <= tomorrow.isoformat() else ""


def printed_days(text: str, *, day_first: bool) -> Iterator[str]:
    """The days that a text prints with their years, as YYYY-MM-DD: "12 set. 2023", "12/09/2023".

    ``day_first``: 05/06/2023 is in June, as in Italian. Otherwise it is left out.
    """
    for match in _PRINTED.finditer(text):
        found = {name[0]: value for name, value in match.groupdict().items() if value}
        month = int(found["m"]) if "m" in found else _month(found["n"])
        day = int(found["d"])
        if match["s2"] and not day_first:
            if month > 12:
                day, month = month, day
            elif day <= 12 and day != month:
                continue  # either may be the month
        with suppress(ValueError):
            yield datetime.date(int(found["y"]), month, day).isoformat()


def without_days(text: str) -> str:
    """The text without the days that it prints."""
    return _PRINTED.sub(" ", text)


def is_time_of_day(line: str) -> bool:
    """Whether a line is nothing but the time of what stands below it, as "ore 18:40 –"."""
    return _CLOCK.fullmatch(line.strip(_BESIDE_A_CLOCK)) is not None


def has_time_of_day(line: str) -> bool:
    """Whether a line says when something happens, as "17:10 Scuole chiuse"."""
    return _CLOCK.search(line) is not None


@cache
def _month(name: str) -> int:
    """The number of the month that begins with this, 0 if none does."""
    short = "".join(words(name))
    fitting = {n for month, n in month_numbers().items() if month.startswith(short[:_MIN_MONTH])}
    whole = any(month.startswith(short.rstrip("t") or "-") for month in month_numbers())
    return fitting.pop() if len(fitting) == 1 and whole else 0
