"""Which articles from the web are looked at again, and when: often first, and then no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.feeds.schedule import DAY
from bot.state import State
from index.articles.web.addresses import normalized

_HOUR = 3600.0
AFTER = (_HOUR, 4 * _HOUR, DAY, 3 * DAY)  # seconds after an article was fetched
_LAST = 7 * DAY  # seconds after which a busy server is asked no more
_COLUMNS = "url, path, sha256, fetched, due, gone"


@dataclass(frozen=True)
class Revisit:
    """The page of an article. Times are in seconds since the epoch.

    ``sha256``: of its text as it was taken from there, "" if that is unknown. ``due``: when it is
    looked at next, None for never. ``gone``: when its server first said that it is there no more
    (404, 410), 0 if it is.
    """

    url: str
    path: str
    sha256: str
    fetched: float
    due: float | None
    gone: float = 0.0

    def next_due(self, now: float) -> float | None:
        """When to look again after a look."""
        return next((self.fetched + s for s in AFTER if self.fetched + s > now), None)

    def postponed(self, until: float) -> Revisit:
        """The same, to be looked at no earlier than this."""
        return replace(self, due=until if until < self.fetched + _LAST else None)


class Revisits:
    """The pages of a file of feeds. Raises StorageError."""

    def __init__(self, state: State) -> None:
        self._state = state

    def add(self, url: str, path: str, sha256: str, now: float) -> None:
        """An article was just fetched: it is looked at again from now on."""
        self.save(Revisit(url, path, sha256, now, now + AFTER[0]))

    def save(self, revisit: Revisit) -> None:
        """Store what is known of a page by now."""
        values = (normalized(revisit.url), *vars(revisit).values())
        with self._state.changing() as database:
            query = f"INSERT OR REPLACE INTO revisits (address, {_COLUMNS}) "
            database.execute(f"{query} VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def remove(self, revisit: Revisit) -> None:
        """Look at a page no more."""
        with self._state.changing() as database:
            query = "DELETE FROM revisits WHERE address = ?"
            database.execute(query, (normalized(revisit.url),))

    def find(self, url: str) -> Revisit | None:
        """What is known of a page; None if nothing is."""
        return next(self._where("address = ?", normalized(url)), None)

    def due(self, now: float) -> list[Revisit]:
        """The pages to be looked at by now, those first that wait longest."""
        return list(self._where("due <= ? ORDER BY due", now))

    def _where(self, condition: str, value: float | str) -> Iterator[Revisit]:
        query = f"SELECT {_COLUMNS} FROM revisits WHERE {condition}"  # noqa: S608
        return (Revisit(*row) for row in self._state.select(query, value))
