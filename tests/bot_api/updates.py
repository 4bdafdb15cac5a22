"""The updates of a bot that it has not acknowledged (#getting-updates)."""

from __future__ import annotations

import copy
import random

from tests.bot_api.errors import Json, bad_request

_NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


class UpdateQueue:
    """The updates that are not yet acknowledged (#getupdates)."""

    def __init__(self) -> None:
        self.pending: list[Json] = []
        self._next_id = random.randrange(10**8, 10**9)  # as with Telegram
        self._allowed: frozenset[str] = frozenset()

    def add(self, update: Json) -> None:
        """Queue an update, unless the last allowed_updates asked for other kinds only."""
        kind = next(key for key in update if key != "update_id")
        update["update_id"] = self._next_id
        self._next_id += 1
        if kind in self._allowed or not (self._allowed or kind in _NOT_BY_DEFAULT):
            self.pending.append(update)

    def take(self, offset: int, limit: int) -> list[Json]:
        """Forget the updates before the offset, or all but the last ones if it is negative."""
        if not 1 <= limit <= 100:
            raise bad_request("limit must be between 1 and 100")
        if offset < 0:
            self.pending = self.pending[offset:]
        elif offset > 0:
            self.pending = [update for update in self.pending if update["update_id"] >= offset]
        return copy.deepcopy(self.pending[:limit])

    def allow(self, kinds: list[str]) -> None:
        """Remember allowed_updates; it does not concern the updates already queued."""
        self._allowed = frozenset(kinds)
