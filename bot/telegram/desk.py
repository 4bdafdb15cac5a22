"""How many questions are answered at a time, and how many may wait."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from index.memory import give_back_memory

AT_ONCE = max(1, (os.cpu_count() or 1))  # more would only slow each other down
MOST_WAITING = 400  # some minutes, on two cores
QUIET = 2.0  # seconds
CROWDED = 15  # waiting, from which ornaments are left out: Telegram takes 30 calls a second


class CrowdedError(Exception):
    """So many wait already that the answer would come too late."""


class Desk:
    """A place for each question that is being answered, and a line before it.

    Raises CrowdedError at once, where the line is full.
    """

    def __init__(self, at_once: int = AT_ONCE, most: int = MOST_WAITING) -> None:
        self._places = asyncio.Semaphore(at_once)
        self._most = most
        self._came = 0
        self.waiting = 0

    @property
    def crowded(self) -> bool:
        """Whether many wait."""
        return self.waiting >= CROWDED

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place, for the length of an ``async with``, once it is free."""
        if self._places.locked() and self.waiting >= self._most:
            raise CrowdedError
        self._came += 1
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._places.release()

    async def rest(self) -> None:
        """Give memory back whenever nobody has come for a while, until it is cancelled."""
        rested = self._came
        while True:
            before = self._came
            await asyncio.sleep(QUIET)
            if before == self._came != rested:
                rested = before
                await asyncio.to_thread(give_back_memory)
