"""Sending that gets through: retries, and plain text when formatting is refused."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

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
from tenacity import (
    AsyncRetrying,
    retry_if_exception,
    stop_after_delay,
    wait_random_exponential,
)

from bot.telegram.messages import Button, Message

PATIENCE = 900  # seconds during which a reply is tried again
LONGEST_PAUSE = 20  # seconds between two tries
TYPING_EVERY = 4.5  # seconds; Telegram shows "typing…" for five
LONGEST_ALERT = 200  # characters of what is shown to who presses a button
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

_log = logging.getLogger(__name__)


async def deliver(
    to: TelegramMessage, messages: Sequence[Message], before: Sequence[int] = ()
) -> list[int]:
    """Reply to a message, which may have been deleted meanwhile, with some in order; their numbers.

    ``before``: the numbers of those that it was answered with before. The new ones take their
    places, and what is left over of the old ones is deleted.
    """
    numbers = []
    for at, message in enumerate(messages):
        old = before[at] if at < len(before) else None
        numbers.append(await _put(to, message, old))
    for old in before[len(messages) :]:
        with suppress(TelegramError):  # older than two days, or deleted by somebody else
            await to.get_bot().delete_message(to.chat_id, old)
    return numbers


async def _put(to: TelegramMessage, message: Message, old: int | None) -> int:
    """Send a message, or put it in the place of an old one if that is still there."""
    if old is not None:
        place = _Target(to.get_bot(), to.chat_id, old)
        if await _formatted(lambda mode: _edit(place, message, mode), "not modified"):
            return old
    return (await send(to, message)).message_id


async def send(to: TelegramMessage, message: Message) -> TelegramMessage:
    """Reply to a message, which may have been deleted meanwhile; what was sent."""
    sent: list[TelegramMessage] = []

    async def put(mode: ParseMode | None) -> None:
        sent.append(await _send(to, message, mode))

    await _formatted(put)
    return sent[0]


async def _formatted(
    put: Callable[[ParseMode | None], Awaitable[None]], harmless: str | None = None
) -> bool:
    """Put a message somewhere, as plain text if Telegram refuses its formatting.

    ``harmless``: what a refusal says that leaves nothing to do; where there is such a word,
    whether it worked, for another refusal may only mean that the place is gone.
    """
    try:
        await _persistently(lambda: put(ParseMode.HTML))
    except BadRequest as error:
        if harmless and harmless in str(error):
            return True
        _log.warning("Telegram refused the formatting of a message (%s); trying plain text", error)
        try:
            await _persistently(lambda: put(None))
        except BadRequest:
            if harmless is None:
                raise
            return False
    return True


async def acknowledge(query: CallbackQuery, text: str = "") -> None:
    """End the waiting of whoever pressed a button, with a word that they have to read if any."""
    try:
        await query.answer(text[:LONGEST_ALERT], show_alert=bool(text))
    except TelegramError as error:  # too late: Telegram has ended it by itself
        _log.info("a button could not be acknowledged: %s", error)


async def turn(query: CallbackQuery, message: Message) -> None:
    """Put a message in the place of the one whose button was pressed, if it is still there."""
    if query.message is not None:
        place = _Target(query.get_bot(), query.message.chat.id, query.message.message_id)
        await _formatted(lambda mode: _edit(place, message, mode), "not modified")


@asynccontextmanager
async def typing(
    to: TelegramMessage, quiet: Callable[[], bool] = lambda: False
) -> AsyncIterator[None]:
    """Show "typing…" in the chat for the length of an ``async with``, but while it is quiet."""
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
        await asyncio.sleep(TYPING_EVERY)


@dataclass(frozen=True)
class _Target:
    bot: Bot
    chat: int
    message: int


async def _send(
    to: TelegramMessage, message: Message, parse_mode: ParseMode | None
) -> TelegramMessage:
    return await to.reply_text(
        message.markup if parse_mode else message.plain,
        parse_mode=parse_mode,
        reply_markup=_keyboard(message),
        link_preview_options=_NO_PREVIEW,
        reply_parameters=ReplyParameters(to.message_id, allow_sending_without_reply=True),
    )


async def _edit(place: _Target, message: Message, parse_mode: ParseMode | None) -> None:
    await place.bot.edit_message_text(
        message.markup if parse_mode else message.plain,
        chat_id=place.chat,
        message_id=place.message,
        parse_mode=parse_mode,
        reply_markup=_keyboard(message),
        link_preview_options=_NO_PREVIEW,
    )


def _keyboard(message: Message) -> InlineKeyboardMarkup | None:
    rows = [[_button(button) for button in row] for row in message.rows]
    return InlineKeyboardMarkup(rows) if rows else None


def _button(button: Button) -> InlineKeyboardButton:
    if button.copied:
        return InlineKeyboardButton(button.label, copy_text=CopyTextButton(button.copied))
    return InlineKeyboardButton(button.label, callback_data=button.data)


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
