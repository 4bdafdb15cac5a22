"""The queries of users that wait for an answer, each for one."""

from __future__ import annotations

import itertools

from tests.bot_api.errors import Json, bad_request


class OpenQueries:
    """The callback, the inline or the guest queries that are not answered yet."""

    def __init__(self) -> None:
        self._ids = map(str, itertools.count(4 * 10**17))  # large numbers, as with Telegram
        self._open: set[str] = set()

    def ask(self, query: Json, name: str = "id") -> None:
        """Give a query an identifier, by this name, if it has none, and wait for its answer."""
        self._open.add(query.setdefault(name, next(self._ids)))

    def check(self, query_id: str | None) -> None:
        """Refuse an identifier that is unknown, or of a query that was answered."""
        if query_id not in self._open:
            raise bad_request(
                "query is too old and response timeout expired or query ID is invalid"
            )

    def close(self, query_id: str) -> None:
        """A query was answered, which works only once."""
        self._open.discard(query_id)
