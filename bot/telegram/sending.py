"""Sending that gets through: retries, and plain text when formatting is refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from telegram import (
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram import Message as TelegramMessage
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, InvalidToken, NetworkError, TelegramError
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from bot.telegram.blocks import Message

PATIENCE = 900  # seconds during which a reply is tried again
LONGEST_PAUSE = 20  # seconds between two tries
TYPING_EVERY = 4.5  # seconds; Telegram shows "typing…" for five
LONGEST_ALERT = 200  # characters of what is shown to who presses a button
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

_log = logging.getLogger(__name__)


async def reply(to: TelegramMessage, messages: Sequence[Message]) -> None:
    """Send the messages in order as replies to one, which may have been deleted meanwhile."""
    for message in messages:
        try:
            await _persistently(lambda m=message: _send(to, m, ParseMode.HTML))  # type: ignore[misc]
        except BadRequest:
            _log.warning("Telegram refused the formatting of a reply; sending it as plain text")
            await _persistently(lambda m=message: _send(to, m, None))  # type: ignore[misc]


async def acknowledge(query: CallbackQuery, text: str = "") -> None:
    """End the waiting of whoever pressed a button, with a word that they have to read if any."""
    try:
        await query.answer(text[:LONGEST_ALERT], show_alert=bool(text))
    except TelegramError as error:  # too late: Telegram has ended it by itself
        _log.info("a button could not be acknowledged: %s", error)


async def turn(query: CallbackQuery, message: Message) -> None:
    """Put a message in the place of the one whose button was pressed."""
    try:
        await _persistently(lambda: _edit(query, message, ParseMode.HTML))
    except BadRequest as error:
        if "not modified" in str(error):  # pressed twice
            return
        _log.warning("Telegram refused to change a message (%s); trying plain text", error)
        with suppress(BadRequest):  # it may have been deleted
            await _persistently(lambda: _edit(query, message, None))


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


async def _send(to: TelegramMessage, message: Message, parse_mode: ParseMode | None) -> None:
    await to.reply_text(
        message.markup if parse_mode else message.plain,
        parse_mode=parse_mode,
        reply_markup=_keyboard(message),
        link_preview_options=_NO_PREVIEW,
        reply_parameters=ReplyParameters(to.message_id, allow_sending_without_reply=True),
    )


async def _edit(query: CallbackQuery, message: Message, parse_mode: ParseMode | None) -> None:
    await query.edit_message_text(
        message.markup if parse_mode else message.plain,
        parse_mode=parse_mode,
        reply_markup=_keyboard(message),
        link_preview_options=_NO_PREVIEW,
    )


def _keyboard(message: Message) -> InlineKeyboardMarkup | None:
    row = [InlineKeyboardButton(b.label, callback_data=b.data) for b in message.buttons]
    return InlineKeyboardMarkup([row]) if row else None


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
