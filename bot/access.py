"""Who may ask, and how often."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.state import State

HOUR = 3600.0
DAY = 24 * 3600.0


class Invitations:
    """The people who came with an invitation. Raises StorageError."""

    def __init__(self, state: State) -> None:
        self._state = state

    def invite(self, uses: int, days: float) -> str:
        """A new code for so many people and days. Only its digest is kept."""
        code = secrets.token_urlsafe(12)
        with self._state.changing() as database:
            database.execute("DELETE FROM invitations WHERE until < ?", (time.time(),))
            database.execute(
                "INSERT INTO invitations VALUES (?, ?, ?)",
                (_digest(code), uses, time.time() + days * DAY),
            )
        return code

    def admit(self, person: int, code: str) -> bool:
        """Let somebody in who has a code that holds; a guest's second time costs nothing."""
        if self.has(person):
            return True
        with self._state.changing() as database:
            used = database.execute(
                "UPDATE invitations SET uses = uses - 1 "
                "WHERE digest = ? AND uses > 0 AND until >= ?",
                (_digest(code), time.time()),
            )
            if used.rowcount:
                database.execute("INSERT INTO guests VALUES (?, ?)", (person, time.time()))
            return used.rowcount > 0

    def has(self, person: int) -> bool:
        """Whether somebody is a guest."""
        return bool(self._state.select("SELECT 1 FROM guests WHERE person = ?", person))


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


@dataclass(frozen=True)
class Access:
    """Who may ask: anyone; or those listed, those who administer the bot, and invited guests.

    ``invited``: whether an invitation is needed although nobody is listed.
    """

    listed: frozenset[int]
    admins: frozenset[int]
    invited: bool
    invitations: Invitations

    @property
    def open(self) -> bool:
        """Whether anyone may ask."""
        return not self.listed and not self.invited

    async def admits(self, person: int | None, chat: int | None) -> bool:
        """Whether this person, or whoever writes in this chat, may ask. Raises StorageError."""
        if self.open or (self.listed | self.admins).intersection((person, chat)):
            return True
        return person is not None and await asyncio.to_thread(self.invitations.has, person)

    async def joins(self, person: int, code: str) -> bool:
        """Let somebody in who brings an invitation; whether it holds. Raises StorageError."""
        return bool(code) and await asyncio.to_thread(self.invitations.admit, person, code)


class Allowance:
    """So many questions an hour for each person. ``most``: 0 for any number.

    It is forgotten when the bot ends: what is written down about people is as little as possible.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._asked: dict[int, deque[float]] = {}

    def take(self, person: int) -> float:
        """Count a question; 0, or the seconds until the next one is taken."""
        if not self._most:
            return 0.0
        now = self._clock()
        self._forget(now - HOUR)
        asked = self._asked.setdefault(person, deque())
        while asked and asked[0] <= now - HOUR:
            asked.popleft()
        if len(asked) >= self._most:
            return asked[0] + HOUR - now
        asked.append(now)
        return 0.0

    def give_back(self, person: int) -> None:
        """Do not count the last question: it was not answered, for no fault of theirs."""
        if asked := self._asked.get(person):
            asked.pop()

    def _forget(self, before: float) -> None:
        """Leave out those who asked last before the hour; now and then, as it takes a while."""
        if len(self._asked) > 1000:
            self._asked = {p: a for p, a in self._asked.items() if a and a[-1] > before}
