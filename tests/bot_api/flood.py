"""Flood control: how many messages a second Telegram takes from a bot."""

from __future__ import annotations

from collections import defaultdict, deque
from time import monotonic

from tests.bot_api.errors import ApiError


class FloodControl:
    """A limit for each chat and one over all chats, each for any second; None is no limit."""

    def __init__(self, per_chat: int | None, overall: int | None) -> None:
        self._per_chat, self._overall = per_chat, overall
        self._chats: defaultdict[int, deque[float]] = defaultdict(deque)
        self._all: deque[float] = deque()

    def count(self, chat_id: int) -> None:
        """Count a message sent or edited in a chat, or refuse one too many with 429."""
        now = monotonic()
        counted = ((self._chats[chat_id], self._per_chat), (self._all, self._overall))
        for times, limit in counted:
            while times and times[0] < now - 1:
                times.popleft()
            if limit is not None and len(times) >= limit:
                raise ApiError(429, "Too Many Requests: retry after 1", retry_after=1)
        for times, _ in counted:
            times.append(now)
