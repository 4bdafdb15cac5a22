"""How many questions are answered at a time, and how many may wait."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from index.models.runtime import trim_memory

CONCURRENCY = os.cpu_count() or 1  # more would only slow each other down
MAX_QUEUED = 400  # some minutes of work, on two cores
CROWDED = 15  # queued, from which on ornaments are left out: Telegram takes 30 calls a second
PAUSE = 5.0  # seconds: giving memory back, and getting it again, take some milliseconds


class CrowdedError(Exception):
    """So many questions are queued that the answer would come too late."""


class AnswerQueue:
    """Answers ``concurrency`` questions at a time and queues up to ``max_queued`` more.

    Raises CrowdedError if the queue is full.
    """

    def __init__(self, concurrency: int = CONCURRENCY, max_queued: int = MAX_QUEUED) -> None:
        self._slots = asyncio.Semaphore(concurrency)
        self._max_queued = max_queued
        self._queued = 0
        self._changes = 0  # questions that came or went, ever

    @property
    def crowded(self) -> bool:
        """Whether many questions are queued."""
        return self._queued >= CROWDED

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a free slot and hold it for the length of the ``async with``."""
        if self._slots.locked() and self._queued >= self._max_queued:
            raise CrowdedError
        self._changes += 1
        try:
            self._queued += 1
            try:
                await self._slots.acquire()
            finally:
                self._queued -= 1
            try:
                yield
            finally:
                self._slots.release()
        finally:
            self._changes += 1

    async def keep_trimming_memory(self) -> None:
        """Give memory back at the start and after changes, until cancelled."""
        seen = -1
        while True:
            await asyncio.sleep(PAUSE)
            if seen != self._changes:
                seen = self._changes
                await asyncio.to_thread(trim_memory)
