"""An answer while it is being written: a draft in private chats, an edited message elsewhere."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from telegram import Message as TelegramMessage
from telegram.error import TelegramError

from bot.locales import Texts
from bot.telegram.blocks import LONGEST_MESSAGE, clean, utf16_length
from bot.telegram.html import text_message
from bot.telegram.sending import deliver
from retrieval.answer import Answer

PAUSE = 1.0  # seconds between two drafts; Telegram takes about a message a second in a chat
GROUP_PAUSE = 4.0  # and twenty a minute in a group

_log = logging.getLogger(__name__)


@dataclass
class Drafts:
    """Shows the newest draft. What goes wrong with one is the end of them, not of the answer.

    ``placed``: is told the message that stands for the answer until it is there, in a group.
    """

    to: TelegramMessage
    say: Texts
    before: list[int]
    placed: Callable[[list[int]], Awaitable[None]]
    _newest: Answer | None = None
    _come: asyncio.Event = field(default_factory=asyncio.Event)
    _sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    def show(self, draft: Answer) -> None:
        """A newer one, on the event loop."""
        self._newest = draft
        self._come.set()

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Show drafts for the length of an ``async with``."""
        task = asyncio.create_task(self._show_all())
        try:
            yield
        finally:
            async with self._sending:  # a message that is sent must not be forgotten
                task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _show_all(self) -> None:
        private = self.to.chat.type == self.to.chat.PRIVATE
        try:
            while True:
                await self._come.wait()
                self._come.clear()
                if self._newest is not None:
                    text = draft_text(self._newest, self.say)
                    async with self._sending:
                        await (self._draft(text) if private else self._edit(text))
                await asyncio.sleep(PAUSE if private else GROUP_PAUSE)
        except TelegramError as error:
            _log.info("no more drafts of an answer: %s", error)

    async def _draft(self, text: str) -> None:
        await self.to.get_bot().send_message_draft(
            self.to.chat_id,
            self.to.message_id,  # any number but 0, the same for one answer
            text,
            message_thread_id=self.to.message_thread_id if self.to.is_topic_message else None,
        )

    async def _edit(self, text: str) -> None:
        replies = await deliver(self.to, [text_message(text)], self.before[:1])
        if replies != self.before[:1]:
            self.before[:1] = replies
            await self.placed(self.before)


def draft_text(draft: Answer, say: Texts) -> str:
    """The claims so far, and that more may come; as much as fits a message."""
    lines = [*(clean(claim.cited) for claim in draft.claims), say("answer.writing")]
    while len(lines) > 1 and utf16_length("\n".join(lines)) > LONGEST_MESSAGE:
        lines.pop(0)
    return "\n".join(lines)
