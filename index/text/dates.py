"""The order of days."""

from __future__ import annotations

import datetime


def ranking_day(date: str | None) -> str:
    """The day, YYYY-MM-DD, by which newer articles come first; "" if it is unknown or to come.

    ``date`` is in ISO 8601. Tomorrow counts as reached: it has begun somewhere.
    """
    tomorrow = datetime.date.today() + datetime.timedelta(days=1)
    day = (date or "")[:10]
    return day if day <= tomorrow.isoformat() else ""
