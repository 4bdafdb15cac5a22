"""How many questions are answered at a time, and how many may wait."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from index.models.runtime import give_back_memory

AT_ONCE = max(1, (os.cpu_count() or 1))  # more would only slow each other down
MOST_WAITING = 400  # some minutes, on two cores
PAUSE = 5.0  # seconds: giving memory back takes some milliseconds, and having it again too
CROWDED = 15  # waiting, from which ornaments are left out: Telegram takes 30 calls a second


class CrowdedError(Exception):
    """So many wait already that the answer would come too late."""


class AnswerQueue:
    """A place for each question that is being answered, and a line before it.

    Raises CrowdedError at once, where the line is full.
    """

    def __init__(self, at_once: int = AT_ONCE, most: int = MOST_WAITING) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._most = most
        self._moves = 0  # of people, to it and from it
        self._here = 0  # people, waiting or not
        self.waiting = 0

    @property
    def crowded(self) -> bool:
        """Whether many wait."""
        return self.waiting >= CROWDED

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A place, for the length of an ``async with``, once it is free."""
        if self._places.locked() and self.waiting >= self._most:
            raise CrowdedError
        self._moves += 1
        self._here += 1
        try:
            await self._wait()
            try:
                yield
            finally:
                self._places.release()
        finally:
            self._here -= 1
            self._moves += 1

    async def _wait(self) -> None:
        """Take a place."""
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1

    async def give_memory_back(self) -> None:
        """At first, and where somebody has come or gone since, until it is cancelled."""
        given = -1
        while True:
            await asyncio.sleep(PAUSE)
            if given != self._moves:
                given = self._moves
                await asyncio.to_thread(give_back_memory)
