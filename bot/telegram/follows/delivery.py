"""Sends what the outbox holds, one message at a time: a kill doubles one at most."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from telegram import ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest, Forbidden, RetryAfter, TelegramError
from telegram.ext import ExtBot

from bot.following.follows import Follows
from bot.following.outbox import Outbox, Outgoing
from bot.state import DAY
from bot.telegram.follows.notices import messages_of
from bot.telegram.messages import Message
from bot.telegram.requests import AT_ONCE, MAX_RETRY_PAUSE, is_closed, is_gone
from bot.telegram.sending import content_of
from index.errors import StorageError

_LOOK = 60.0  # seconds, at most, between looks at the outbox
_MUTED_PAUSE = 3600.0  # seconds before another message to a chat where the bot may not write
_MUTED_FOR = 7 * DAY  # seconds, after which it is dropped

_log = logging.getLogger(__name__)


class Delivery:
    """Sends the messages that are due. ``clock`` gives seconds since the epoch."""

    def __init__(
        self, outbox: Outbox, follows: Follows, clock: Callable[[], float] = time.time
    ) -> None:
        self._outbox = outbox
        self._follows = follows
        self._clock = clock
        self._woken = asyncio.Event()
        self._is_ending = False
        self._pause = 0.0  # seconds, after an error that passes

    def wake(self) -> None:
        """Look at the outbox now."""
        self._woken.set()

    def end(self) -> None:
        """Send no more: the rest stays in the outbox."""
        self._is_ending = True
        self.wake()

    async def run(self, bot: ExtBot[Any]) -> None:
        """Send what is due, until ``end`` is called."""
        while not self._is_ending:
            try:
                seconds = await self._step(bot)
            except StorageError as error:
                _log.error("%s", error)
                seconds = _LOOK
            except Exception:  # noqa: BLE001 (whatever it is, the next round tries again)
                _log.exception("a queued message could not be sent")
                seconds = _LOOK
            if seconds:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), seconds)
            self._woken.clear()

    async def _step(self, bot: ExtBot[Any]) -> float:
        """Send the oldest message that is due; how long to wait before the next one."""
        message = await asyncio.to_thread(self._outbox.next)
        if message is None:
            due = await asyncio.to_thread(self._outbox.next_due)
            return _LOOK if due is None else min(max(due - self._clock(), 0.05), _LOOK)
        try:
            await self._send(bot, message)
        except RetryAfter as error:
            until = self._clock() + error._retry_after.total_seconds() + 0.1
            await asyncio.to_thread(self._outbox.postpone, message.to.chat, until)
        except (LookupError, TypeError, ValueError):  # as of another version; it holds up no other
            _log.exception("a queued message cannot be read, and is dropped")
            await asyncio.to_thread(self._outbox.drop, message)
        except TelegramError as error:
            if not await asyncio.to_thread(self._refused, message, error):
                self._pause = min(2 * self._pause + 0.5, MAX_RETRY_PAUSE)
                _log.warning("a queued message is not sent yet: %s", error)
                return self._pause
        self._pause = 0.0
        return 0.0

    async def _send(self, bot: ExtBot[Any], message: Outgoing) -> None:
        parts = messages_of(message.content)
        number = await _put(bot, message, parts[message.sent])
        is_last = message.sent + 1 >= len(parts)
        while True:  # it must not be sent again
            try:
                await asyncio.to_thread(self._outbox.note_sent, message, number, is_last=is_last)
                return
            except StorageError as error:
                _log.error("%s", error)
                await asyncio.sleep(_LOOK)

    def _refused(self, message: Outgoing, error: TelegramError) -> bool:
        """Whether it will never be sent, or not for a while; what follows from that is done."""
        if is_gone(error):
            _log.info("a chat is gone, and forgotten: %s", error)
            reason = str(error).lower()
            is_topic = "topic" in reason or "thread" in reason  # 0 is the one called General
            self._follows.forget_chat(message, topic_alone=is_topic)
        elif is_closed(error) and self._clock() - message.at < _MUTED_FOR:
            _log.info("the bot may not write in a chat, and tries again later: %s", error)
            self._outbox.postpone(message.to.chat, self._clock() + _MUTED_PAUSE)
        elif isinstance(error, (BadRequest, Forbidden)):
            _log.error("a queued message is dropped: %s", error)
            self._outbox.drop(message)
        else:
            return False
        return True


async def _put(bot: ExtBot[Any], message: Outgoing, part: Message) -> int:
    """Send a message; as plain text if Telegram refuses its formatting. Its number."""
    to, options = message.to, dict[str, Any]()
    if to.topic:
        name = "direct_messages_topic_id" if to.direct else "message_thread_id"
        options[name] = to.topic
    if message.reply_to:
        options["reply_parameters"] = ReplyParameters(
            message.reply_to, allow_sending_without_reply=True
        )
    options["rate_limit_args"] = AT_ONCE  # one chat that takes nothing holds up no other
    try:
        content = content_of(part, ParseMode.HTML)
        return (await bot.send_message(to.chat, **content, **options)).message_id
    except BadRequest as error:
        if "entit" not in str(error).lower():
            raise
        _log.warning("Telegram refused the formatting of a message (%s); trying plain text", error)
    return (await bot.send_message(to.chat, **content_of(part, None), **options)).message_id
