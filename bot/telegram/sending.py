"""Sending that gets through: retries, and plain text when formatting is refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from telegram import LinkPreviewOptions, ReplyParameters
from telegram import Message as TelegramMessage
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, InvalidToken, NetworkError, TelegramError
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from bot.telegram.html import Message

PATIENCE = 900  # seconds during which a reply is tried again
LONGEST_PAUSE = 20  # seconds between two tries
TYPING_EVERY = 4.5  # seconds; Telegram shows "typing…" for five
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

_log = logging.getLogger(__name__)


async def reply(to: TelegramMessage, messages: Sequence[Message]) -> None:
    """Send the messages in order as replies to one, which may have been deleted meanwhile."""
    for message in messages:
        try:
            await _persistently(lambda m=message: _send(to, m.markup, ParseMode.HTML))  # type: ignore[misc]
        except BadRequest:
            _log.warning("Telegram refused the formatting of a reply; sending it as plain text")
            await _persistently(lambda m=message: _send(to, m.plain, None))  # type: ignore[misc]


@asynccontextmanager
async def typing(to: TelegramMessage) -> AsyncIterator[None]:
    """Show "typing…" in the chat for the length of an ``async with``."""
    task = asyncio.create_task(_keep_typing(to))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_typing(to: TelegramMessage) -> None:
    while True:
        with suppress(TelegramError):  # an ornament: the answer does not depend on it
            await to.reply_chat_action(ChatAction.TYPING)
        await asyncio.sleep(TYPING_EVERY)


async def _send(to: TelegramMessage, text: str, parse_mode: ParseMode | None) -> None:
    await to.reply_text(
        text,
        parse_mode=parse_mode,
        link_preview_options=_NO_PREVIEW,
        reply_parameters=ReplyParameters(to.message_id, allow_sending_without_reply=True),
    )


async def _persistently(send: Callable[[], Awaitable[None]]) -> None:
    """Try again after network errors, 5xx and 401; 429 is the rate limiter's business."""
    retrying = AsyncRetrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_delay(PATIENCE),
        wait=wait_random_exponential(multiplier=0.5, max=LONGEST_PAUSE),
        reraise=True,
    )
    async for attempt in retrying:
        with attempt:
            await send()


def _may_pass(error: BaseException) -> bool:
    passing = isinstance(error, (NetworkError, InvalidToken))
    return passing and not isinstance(error, BadRequest)
