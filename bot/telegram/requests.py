"""Sends requests: at the rate that Telegram takes, persistently, and to where a group has gone.

Sources: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this and
https://core.telegram.org/bots/api#responseparameters.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError
from telegram.ext import AIORateLimiter
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from bot.access import Supergroups
from index.errors import StorageError

MAX_RETRY_PAUSE = 20  # seconds
_RETRY_FOR = 900  # seconds
_FLOOD_RETRIES = 10  # how often a 429 is waited out
_CLOSED = (  # parts of Telegram's refusals: of the Bot API's own, and of those it passes on
    "topic closed", "topic deleted", "thread not found", "chat not found", "not enough rights",
    "no rights", "write forbidden", "send plain forbidden", "chat restricted", "peer id invalid",
)  # fmt: skip
_Json = dict[str, Any]
_Response = bool | _Json | list[_Json]
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


class Limiter(AIORateLimiter):
    """Waits where the Bot API asks for it, and follows groups that become supergroups.

    The messages of such a group stay behind under its old number: nothing there can be edited,
    deleted or replied to any more. What is sent to it goes to the supergroup, as no reply.
    """

    def __init__(self, supergroups: Supergroups) -> None:
        super().__init__(max_retries=_FLOOD_RETRIES)
        self._supergroups = supergroups
        self._sent: set[int] = set()  # numbers of messages that were meant for an old number

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, _Response]],
        args: Any,
        kwargs: _Json,
        endpoint: str,
        data: _Json,
        rate_limit_args: int | None,
    ) -> _Response:
        """See AIORateLimiter."""
        rest = callback, args, kwargs, endpoint, data, rate_limit_args
        moved = self._redirect(endpoint, data)
        try:
            response = await super().process_request(*rest)
        except ChatMigrated as error:
            try:
                await asyncio.to_thread(self._supergroups.learn, data["chat_id"], error.new_chat_id)
            except StorageError as failure:  # it is learnt again after a restart
                _log.error("%s", failure)
            moved = self._redirect(endpoint, data)
            response = await super().process_request(*rest)
        if moved and isinstance(response, dict) and "message_id" in response:
            self._sent.add(response["message_id"])
        return response

    def _redirect(self, endpoint: str, data: _Json) -> bool:
        """Address a request to the number that its group has now; whether it has another one.

        Raises BadRequest where it concerns a message that stayed behind.
        """
        old = data.get("chat_id")
        if not isinstance(old, int) or (new := self._supergroups.current(old)) == old:
            return False
        if data.get("message_id", 0) not in {0, *self._sent}:
            raise BadRequest(f"{endpoint}: the message stayed in the group {old}")
        data["chat_id"] = new
        data.pop("reply_parameters", None)
        return True


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
    reason = str(error).lower().replace("_", " ")
    is_refusal = isinstance(error, BadRequest) and any(part in reason for part in _CLOSED)
    return isinstance(error, Forbidden) or is_refusal


def _may_pass(error: BaseException) -> bool:
    passing = isinstance(error, (NetworkError, InvalidToken))
    return passing and not isinstance(error, BadRequest)
