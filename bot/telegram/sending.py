"""Sends messages with retries, and as plain text where Telegram refuses the formatting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from telegram import (
    Bot,
    CallbackQuery,
    CopyTextButton,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram import Message as TelegramMessage
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, InvalidToken, NetworkError, TelegramError
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_random_exponential

from bot.telegram.messages import Button, Message, text_message

MAX_RETRY_PAUSE = 20  # seconds
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_RETRY_FOR = 900  # seconds
_TYPING_INTERVAL = 4.5  # seconds; Telegram shows "typing…" for five
_MAX_ALERT = 200  # characters

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


async def deliver(
    to: TelegramMessage, messages: Sequence[Message], before: Sequence[int] = ()
) -> list[int]:
    """Reply to a message, which may have been deleted meanwhile; the numbers of the replies.

    ``before``: the numbers of its earlier replies. The new ones replace them in order, and those
    left over are deleted.
    """
    numbers = []
    for position, message in enumerate(messages):
        number = before[position] if position < len(before) else None
        if number is None or not await _replace(to.get_bot(), to.chat_id, number, message):
            number = (await send(to, message)).message_id
        numbers.append(number)
    for number in before[len(messages) :]:
        with suppress(TelegramError):  # older than two days, or deleted by somebody else
            await to.get_bot().delete_message(to.chat_id, number)
    return numbers


async def reply(to: TelegramMessage, text: str) -> None:
    """Reply to a message with a plain text."""
    await deliver(to, [text_message(text)])


async def send(to: TelegramMessage, message: Message) -> TelegramMessage:
    """Reply to a message, which may have been deleted meanwhile; the reply."""
    reply_to = ReplyParameters(to.message_id, allow_sending_without_reply=True)
    return await _formatted(
        lambda mode: to.reply_text(**_content(message, mode), reply_parameters=reply_to)
    )


async def acknowledge(query: CallbackQuery, text: str = "") -> None:
    """End the waiting of whoever pressed a button, with an alert if there is a text."""
    try:
        await query.answer(text[:_MAX_ALERT], show_alert=bool(text))
    except TelegramError as error:  # too late: Telegram has ended it itself
        _log.info("a button could not be acknowledged: %s", error)


async def replace_pressed(query: CallbackQuery, message: Message) -> None:
    """Replace the message whose button was pressed, if it is still there."""
    if query.message is not None:
        chat, number = query.message.chat.id, query.message.message_id
        await _replace(query.get_bot(), chat, number, message)


@asynccontextmanager
async def typing(
    to: TelegramMessage, quiet: Callable[[], bool] = lambda: False
) -> AsyncIterator[None]:
    """Show "typing…" in the chat during an ``async with``, except while ``quiet()``."""
    task = asyncio.create_task(_keep_typing(to, quiet))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_typing(to: TelegramMessage, quiet: Callable[[], bool]) -> None:
    while True:
        if not quiet():
            with suppress(TelegramError):  # an ornament: the answer does not depend on it
                await to.reply_chat_action(ChatAction.TYPING)
        await asyncio.sleep(_TYPING_INTERVAL)


async def _replace(bot: Bot, chat: int, number: int, message: Message) -> bool:
    """Edit a message into another one; False where Telegram refuses: it may be gone."""

    async def edit(mode: ParseMode | None) -> None:
        try:
            await bot.edit_message_text(**_content(message, mode), chat_id=chat, message_id=number)
        except BadRequest as error:
            if mode is None or "not modified" not in str(error):
                raise

    with suppress(BadRequest):
        await _formatted(edit)
        return True
    return False


async def _formatted(put: Callable[[ParseMode | None], Awaitable[_T]]) -> _T:
    """Put a message somewhere, as plain text if Telegram refuses its formatting."""
    try:
        return await _persistently(lambda: put(ParseMode.HTML))
    except BadRequest as error:
        _log.warning("Telegram refused the formatting of a message (%s); trying plain text", error)
    return await _persistently(lambda: put(None))


def _content(message: Message, mode: ParseMode | None) -> dict[str, Any]:
    rows = [[_button(button) for button in row] for row in message.rows]
    return {
        "text": message.markup if mode else message.plain,
        "parse_mode": mode,
        "reply_markup": InlineKeyboardMarkup(rows) if rows else None,
        "link_preview_options": NO_PREVIEW,
    }


def _button(button: Button) -> InlineKeyboardButton:
    if button.copied:
        return InlineKeyboardButton(button.label, copy_text=CopyTextButton(button.copied))
    if button.shared:
        return InlineKeyboardButton(button.label, switch_inline_query=button.shared)
    return InlineKeyboardButton(button.label, callback_data=button.data)


async def _persistently(request: Callable[[], Awaitable[_T]]) -> _T:
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


def _may_pass(error: BaseException) -> bool:
    passing = isinstance(error, (NetworkError, InvalidToken))
    return passing and not isinstance(error, BadRequest)
