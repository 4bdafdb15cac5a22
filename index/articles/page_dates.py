"""Reads the day of a date that a page or a feed gives, as it was where it was published."""

from __future__ import annotations

import datetime
import email.utils
import re
from zoneinfo import ZoneInfo

from index.text.clean import one_line
from index.text.dates import printed_days
from index.text.language import languages

_UTC = datetime.timedelta(0)


def publication_zone(language: str, host: str) -> ZoneInfo | None:
    """The time zone of an outlet that writes this language, or whose host is of its country.

    None if it is not known: English is written everywhere.
    """
    for one in languages():
        if one.time_zone and (language == one.code or host.endswith(f".{one.code}")):
            return ZoneInfo(one.time_zone)
    return None


def is_utc(value: str) -> bool:
    """Whether a date is in UTC, which need not be where it was published."""
    return value.endswith(("Z", "+00:00", "+0000", "GMT", "UTC"))


def days_between(day: str, other: str) -> int:
    """The number of days between two, in either order."""
    return abs((datetime.date.fromisoformat(day) - datetime.date.fromisoformat(other)).days)


def day_of(value: str, zone: ZoneInfo | None = None) -> str:
    """The day of a date as YYYY-MM-DD, or "" if the value is no plausible date.

    A moment in UTC is of the day that it was in ``zone``; any other offset is the outlet's own.
    Where the zone is known, so is the order of day and month in print.
    """
    text = one_line(value)
    try:
        moment = datetime.datetime.fromisoformat(
            re.sub(r"^(\d{4})/(\d\d)/(\d\d)", r"\1-\2-\3", text)
        )
    except ValueError:
        try:
            moment = email.utils.parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return next(printed_days(text, day_first=zone is not None), "")
    if zone and moment.utcoffset() == _UTC and moment.year > 1970:
        moment = moment.astimezone(zone)
    day = moment.date().isoformat()
    return day if day > "1900" and day != "1970-01-01" else ""  # the epoch: a clock not set
