"""Replies to messages: those to an edited message replace the ones that it had before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from telegram import Message as TelegramMessage

from bot.state import AnswerLog
from bot.telegram.messages import Message
from bot.telegram.sending import deliver
from bot.telegram.updates import person_of
from index.errors import StorageError
from retrieval.answer import Answer

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Replies:
    """The replies of the bot. If the disk fails, an edited message gets new ones."""

    answer_log: AnswerLog
    _locks: WeakValueDictionary[tuple[int, int], asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )

    async def put(self, to: TelegramMessage, messages: Sequence[Message]) -> None:
        """Reply to a message, new or edited, with something that is no answer."""
        async with self.turn(to) as before:
            sent = await deliver(to, messages, before)
            await self.keep(to, person_of(to), sent)

    @asynccontextmanager
    async def turn(self, to: TelegramMessage) -> AsyncIterator[list[int]]:
        """The numbers of the replies so far, to whoever replies next: one after the other."""
        lock = self._locks.setdefault(_key(to), asyncio.Lock())
        async with lock:  # an edit waits for the answer that it changes
            try:
                replies = await asyncio.to_thread(self.answer_log.replies, _key(to))
            except StorageError as error:
                _log.error("%s", error)
                replies = None
            yield replies or []

    async def keep(
        self, to: TelegramMessage, person: int, replies: list[int], answer: Answer | None = None
    ) -> None:
        """Keep the numbers of the replies, and the answer that they show, if they show one."""
        try:
            await asyncio.to_thread(self.answer_log.keep, _key(to), person, replies, answer)
        except StorageError as error:  # the reply is sent all the same; its buttons do not work
            _log.error("%s", error)


def _key(message: TelegramMessage) -> tuple[int, int]:
    return message.chat_id, message.message_id
