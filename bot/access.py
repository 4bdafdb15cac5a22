"""Who may ask, and how often; and which group is which."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.state import DAY, State

HOUR = 3600.0
_log = logging.getLogger(__name__)
_CLEANUP_SIZE = 1000  # users, from which on those who ask no more are dropped


class Invitations:
    """Invitation codes and the people who used one. Raises StorageError."""

    def __init__(self, state: State) -> None:
        self._state = state

    def invite(self, uses: int, days: float) -> str:
        """Create a code that admits ``uses`` people within ``days``. Only its digest is kept."""
        code = secrets.token_urlsafe(12)
        now = time.time()
        with self._state.changing() as database:
            database.execute("DELETE FROM invitations WHERE until < ?", (now,))
            database.execute(
                "INSERT INTO invitations VALUES (?, ?, ?)", (_digest(code), uses, now + days * DAY)
            )
        return code

    def admit(self, person: int, code: str) -> bool:
        """Admit a person whose code is valid. Somebody admitted before uses up nothing."""
        if self.has(person):
            return True
        now = time.time()
        with self._state.changing() as database:
            updated = database.execute(
                "UPDATE invitations SET uses = uses - 1 "
                "WHERE digest = ? AND uses > 0 AND until >= ?",
                (_digest(code), now),
            ).rowcount
            if updated:
                database.execute("INSERT INTO invited VALUES (?, ?)", (person, now))
            return updated > 0

    def has(self, person: int) -> bool:
        """Whether a person was admitted with an invitation."""
        return bool(self._state.select("SELECT 1 FROM invited WHERE person = ?", person))


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


class Supergroups:
    """The groups that have become supergroups, with another number. Raises StorageError.

    All that is kept of a group stays under its first number, its origin.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._origins: dict[int, int] = dict(state.select("SELECT number, origin FROM supergroups"))
        self._numbers = {origin: number for number, origin in self._origins.items()}

    def learn(self, old: int, new: int) -> None:
        """A group has another number now. Known at once, and after a restart."""
        if self._numbers.get(old) == new:
            return
        self._origins[new], self._numbers[old] = old, new
        _log.warning(
            "the group %s is the supergroup %s now: what is kept of it goes on under the new "
            "number; if VIRGOLETTE_TELEGRAM_ALLOWED_USERS lists %s, put %s there instead",
            old, new, old, new,
        )  # fmt: skip
        with self._state.changing() as database:
            database.execute("INSERT OR REPLACE INTO supergroups VALUES (?, ?)", (new, old))

    def origin(self, number: int) -> int:
        """The number that a group had first; of anything else its number."""
        return self._origins.get(number, number)

    def current(self, number: int) -> int:
        """The number that a group has now; of anything else its number."""
        return self._numbers.get(number, number)

    def numbers(self, number: int) -> list[int]:
        """All numbers of a chat, this one first: a message has the one of when it was sent."""
        origin = self.origin(number)
        return list(dict.fromkeys((number, origin, self.current(origin))))


@dataclass(frozen=True)
class Access:
    """Who may ask: anyone, or only listed users and chats, administrators and invited people.

    ``invited_only``: an invitation is needed even if nobody is listed.
    """

    listed: frozenset[int]
    admins: frozenset[int]
    invited_only: bool
    invitations: Invitations
    supergroups: Supergroups

    def admits(self, person: int | None, chat: int | None) -> bool:
        """Whether this person, or anyone in this chat, may ask. Raises StorageError.

        A supergroup may be listed under its own number or under that of the group it was.
        """
        if not self.listed and not self.invited_only:
            return True
        origin = self.supergroups.origin
        asking = {origin(number) for number in (person, chat) if number is not None}
        if asking & {origin(number) for number in self.listed | self.admins}:
            return True
        return person is not None and self.invitations.has(person)

    async def joins(self, person: int, code: str) -> bool:
        """Admit a person with an invitation code; False if it is not valid. Raises StorageError."""
        return bool(code) and await asyncio.to_thread(self.invitations.admit, person, code)


class Allowance:
    """Limits the questions per person and hour. ``limit``: 0 for no limit.

    In memory only: as little as possible is written down about people.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._times: dict[int, deque[float]] = {}  # of the questions of the last hour, by person

    def take(self, person: int) -> float:
        """Count a question; return 0, or the seconds until the next one is allowed."""
        if not self._limit:
            return 0.0
        now = self._clock()
        self._drop_inactive(now - HOUR)
        times = self._times.setdefault(person, deque())
        while times and times[0] <= now - HOUR:
            times.popleft()
        if len(times) >= self._limit:
            return times[0] + HOUR - now
        times.append(now)
        return 0.0

    def give_back(self, person: int) -> None:
        """Do not count the last question: it stayed unanswered through no fault of the person."""
        if times := self._times.get(person):
            times.pop()

    def _drop_inactive(self, before: float) -> None:
        """Drop people whose last question is older; only when many are kept, as it takes time."""
        if len(self._times) > _CLEANUP_SIZE:
            self._times = {p: t for p, t in self._times.items() if t and t[-1] > before}
