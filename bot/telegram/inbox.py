"""Updates are kept before Telegram forgets them, until they are dealt with: each once."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Sequence
from typing import Any

from telegram import Update
from telegram.ext import BaseUpdateProcessor

from bot.state import State
from index.errors import StorageError

KEPT = 2 * 24 * 3600  # seconds for which a number is remembered; Telegram repeats for one day
MOST_TRIES = 3  # of an update with which the process ended

_log = logging.getLogger(__name__)


class Inbox:
    """The updates of a bot that have come. Of those dealt with only the number is kept, a while."""

    def __init__(self, state: State, bot: int) -> None:
        self._state = state
        self._bot = bot  # another token is another bot, with numbers of its own
        self._under_way: set[int] = set()

    def keep(self, updates: Sequence[dict[str, Any]]) -> None:
        """Store the updates that have not come before. Raises StorageError."""
        now = time.time()
        rows = [(self._bot, update["update_id"], json.dumps(update), now) for update in updates]
        with self._state.changing() as database:
            database.execute("DELETE FROM inbox WHERE body IS NULL AND arrived < ?", (now - KEPT,))
            database.executemany(
                "INSERT OR IGNORE INTO inbox (bot, update_id, body, arrived) VALUES (?, ?, ?, ?)",
                rows,
            )

    def waiting(self) -> list[dict[str, Any]]:
        """The updates that are not dealt with, oldest first. Raises StorageError."""
        query = "SELECT body FROM inbox WHERE bot = ? AND body IS NOT NULL ORDER BY update_id"
        return [json.loads(body) for (body,) in self._state.rows(query, self._bot)]

    def begin(self, number: int) -> bool:
        """Whether this update is to be dealt with now: not if it was, or is just being.

        Not either if the process ended with it again and again. Where the disk fails it is: one
        answer too many is better than none.
        """
        if number in self._under_way:
            return False
        self._under_way.add(number)
        try:
            return self._first_time(number)
        except StorageError as error:
            _log.error("%s", error)
            return True

    def end(self, number: int) -> None:
        """The update is dealt with."""
        try:
            with self._state.changing() as database:
                database.execute(
                    "UPDATE inbox SET body = NULL, dealt = ? WHERE bot = ? AND update_id = ?",
                    (time.time(), self._bot, number),
                )
        except StorageError as error:
            _log.error("%s", error)
        self._under_way.discard(number)

    def postpone(self, number: int) -> None:
        """The update is not dealt with after all: it is the next start's, and this was no try."""
        try:
            with self._state.changing() as database:
                database.execute(
                    "UPDATE inbox SET tries = tries - 1 WHERE bot = ? AND update_id = ?",
                    (self._bot, number),
                )
        except StorageError as error:
            _log.error("%s", error)

    def _first_time(self, number: int) -> bool:
        query = "SELECT body IS NULL, tries FROM inbox WHERE bot = ? AND update_id = ?"
        for done, tries in self._state.rows(query, self._bot, number):
            if not done and tries >= MOST_TRIES:
                _log.error("update %s is given up: the bot ended with it %s times", number, tries)
            if done or tries >= MOST_TRIES:
                self.end(number)
                return False
        with self._state.changing() as database:
            database.execute(
                "UPDATE inbox SET tries = tries + 1 WHERE bot = ? AND update_id = ?",
                (self._bot, number),
            )
        return True


class InboxProcessor(BaseUpdateProcessor):
    """Deals with so many updates at a time, with each one once, also across a restart."""

    def __init__(self, inbox: Inbox, most: int) -> None:
        super().__init__(most)
        self._inbox = inbox
        self._under_way: set[asyncio.Task[None]] = set()
        self._settling = False

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """See BaseUpdateProcessor. An update whose handling is cut off is dealt with again."""
        if not isinstance(update, Update):
            await coroutine
            return
        if self._settling or not await asyncio.to_thread(self._inbox.begin, update.update_id):
            coroutine.close()  # type: ignore[attr-defined]
            return
        if self._settling:  # it was begun in the very moment
            coroutine.close()
            await asyncio.to_thread(self._inbox.postpone, update.update_id)
            return
        task = asyncio.ensure_future(coroutine)
        self._under_way.add(task)
        try:
            await asyncio.wait({task})
        finally:
            self._under_way.discard(task)
        if task.cancelled():
            await asyncio.to_thread(self._inbox.postpone, update.update_id)
            return
        await asyncio.to_thread(self._inbox.end, update.update_id)
        task.result()

    async def settle(self, seconds: float) -> None:
        """Begin nothing any more, and give what is under way so long; the rest is put off."""
        self._settling = True
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=seconds)
            for task in late:
                task.cancel()
            _log.info("%d answers are put off until the next start", len(late))

    async def initialize(self) -> None:
        """See BaseUpdateProcessor."""

    async def shutdown(self) -> None:
        """See BaseUpdateProcessor."""
