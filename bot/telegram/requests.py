"""Sends requests: at the rate that Telegram takes, persistently, and to where a group has gone.

Sources: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this and
https://core.telegram.org/bots/api#responseparameters.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
)
from telegram.ext import AIORateLimiter
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from bot.access import Supergroups
from index.errors import StorageError

MAX_RETRY_PAUSE = 20  # seconds
_RETRY_FOR = 900  # seconds
_SLACK = 0.1  # seconds
_FLOOD_RETRIES = 10  # how often a 429 is waited out
AT_ONCE = -1  # as rate_limit_args, of which 0 gets lost: a 429 is raised, and not waited out
# Parts of Telegram's refusals: of the Bot API's own, and of those it passes on.
_GONE = ("topic closed", "topic deleted", "thread not found", "chat not found", "peer id invalid")
_MUTED = (
    "not enough rights", "no rights", "write forbidden", "send plain forbidden", "chat restricted",
)  # fmt: skip
_Json = dict[str, Any]
_Response = bool | _Json | list[_Json]
_Callback = Callable[..., Coroutine[Any, Any, _Response]]
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Limiter(AIORateLimiter):
    """Waits where the Bot API asks for it, and follows groups that become supergroups.

    A chat that takes no more messages for minutes keeps no other chat waiting. The messages of a
    group that became a supergroup stay behind under its old number, where they can be edited. What
    is sent to it goes to the supergroup, as no reply.
    """

    def __init__(self, supergroups: Supergroups) -> None:
        super().__init__()
        self._supergroups = supergroups
        self._free: dict[Any, float] = {}  # when a chat takes messages again
        self._sent: set[int] = set()  # numbers of messages that were meant for an old number

    async def process_request(
        self,
        callback: _Callback,
        args: Any,
        kwargs: _Json,
        endpoint: str,
        data: _Json,
        rate_limit_args: int | None,
    ) -> _Response:
        """See AIORateLimiter."""

        async def send() -> _Response:
            self._redirect(data)
            retries = 0 if rate_limit_args == AT_ONCE else _FLOOD_RETRIES
            patient = partial(self._patiently, callback, data.get("chat_id"), retries)
            return await process(patient, args, kwargs, endpoint, data, None)

        process, old = super().process_request, data.get("chat_id")
        try:
            response = await send()
        except ChatMigrated as error:
            await self._learn(data["chat_id"], error.new_chat_id)
            if self._is_left_behind(data):
                raise BadRequest(f"{endpoint}: the message stayed in the group {old}") from error
            response = await send()
        if data.get("chat_id") != old and isinstance(response, dict):
            self._sent.add(response.get("message_id", 0))
        return response

    async def _patiently(
        self, callback: _Callback, chat: Any, retries: int, *args: Any, **kw: Any
    ) -> _Response:
        """Wait for as long as Telegram says that a chat takes nothing."""
        for _ in range(retries):
            await asyncio.sleep(self._free.get(chat, 0.0) - time.monotonic())
            try:
                return await callback(*args, **kw)
            except RetryAfter as error:
                seconds = error._retry_after.total_seconds()
                self._free = {c: t for c, t in self._free.items() if t > time.monotonic()}
                self._free[chat] = time.monotonic() + seconds + _SLACK
        return await callback(*args, **kw)

    def _redirect(self, data: _Json) -> None:
        """Address a request to the number that its group has now."""
        old = data.get("chat_id")
        if isinstance(old, int) and not self._is_left_behind(data):
            data["chat_id"] = self._supergroups.current(old)
            if data["chat_id"] != old:
                data.pop("reply_parameters", None)

    def _is_left_behind(self, data: _Json) -> bool:
        """Whether a request concerns a message that was sent before its group had a new number."""
        return data.get("message_id", 0) not in {0, *self._sent}

    async def _learn(self, old: int, new: int) -> None:
        try:
            await asyncio.to_thread(self._supergroups.learn, old, new)
        except StorageError as error:  # it is learnt again after a restart
            _log.error("%s", error)


async def persistently(request: Callable[[], Awaitable[_T]]) -> _T:
    """Retry after network errors, 5xx and 401; the rate limiter waits out a 429."""
    retrying = AsyncRetrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_delay(_RETRY_FOR),
        wait=wait_random_exponential(multiplier=0.5, max=MAX_RETRY_PAUSE),
        reraise=True,
    )
    async for attempt in retrying:
        with attempt:
            response = await request()
    return response


def is_closed(error: BaseException | None) -> bool:
    """Whether nobody reads what is sent to a chat or topic: no second try helps.

    The bot is blocked or no member, or may not write there, or there is no such chat or topic.
    """
    return is_gone(error) or (isinstance(error, BadRequest) and _says(error, _MUTED))


def is_gone(error: BaseException | None) -> bool:
    """Whether there is no such chat or topic any more, or the bot is blocked or no member."""
    is_refusal = isinstance(error, BadRequest) and _says(error, _GONE)
    return isinstance(error, Forbidden) or is_refusal


def _says(error: BaseException, parts: Sequence[str]) -> bool:
    reason = str(error).lower().replace("_", " ")
    return any(part in reason for part in parts)


def _may_pass(error: BaseException) -> bool:
    passing = isinstance(error, (NetworkError, InvalidToken))
    return passing and not isinstance(error, BadRequest)
