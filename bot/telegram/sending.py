"""Sends messages with retries, and as plain text where Telegram refuses the formatting.

An ephemeral message, which its author and the bot alone see, is answered by another one. Source:
https://core.telegram.org/bots/api#ephemeral-messages-and-commands
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from telegram import (
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

from bot.state import AnswerLog
from bot.telegram.messages import Button, Message, text_message
from bot.telegram.updates import ephemeral_number, person_of
from index.errors import StorageError
from retrieval.answer import Answer

MAX_RETRY_PAUSE = 20  # seconds
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_RETRY_FOR = 900  # seconds
_TYPING_INTERVAL = 4.5  # seconds; Telegram shows "typing…" for five
_MAX_ALERT = 200  # characters

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Replies:
    """The replies of the bot: those to an edited message replace the ones that it had before.

    If the disk fails, it gets new ones. Nothing is kept of replies to an ephemeral message.
    """

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
        if ephemeral_number(to) is not None:
            yield []
            return
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
        if ephemeral_number(to) is not None:  # all of a chat have the same other number
            return
        try:
            await asyncio.to_thread(self.answer_log.keep, _key(to), person, replies, answer)
        except StorageError as error:  # the reply is sent all the same; its buttons do not work
            _log.error("%s", error)


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
        edit = partial(to.get_bot().edit_message_text, chat_id=to.chat_id, message_id=number)
        if number is None or not await _replace(edit, message):
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
    options = _reply_options(to)
    return await _formatted(lambda mode: to.reply_text(**_content(message, mode), **options))


async def acknowledge(query: CallbackQuery, text: str = "", *, alert: bool = True) -> None:
    """End the waiting of whoever pressed a button, with a text if there is one.

    ``alert``: the text stays until it is closed.
    """
    try:
        await query.answer(text[:_MAX_ALERT], show_alert=alert and bool(text))
    except TelegramError as error:  # too late: Telegram has ended it itself
        _log.info("a button could not be acknowledged: %s", error)


async def replace_pressed(query: CallbackQuery, message: Message) -> None:
    """Replace the message whose button was pressed, if it is still there."""
    shown, bot = query.message, query.get_bot()
    if shown is None:
        return
    if ephemeral_number(shown) is None:
        edit = partial(bot.edit_message_text, chat_id=shown.chat.id, message_id=shown.message_id)
        await _replace(edit, message)
    else:
        await _replace(partial(_edit_ephemeral, query), message)


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


async def _replace(put: Callable[..., Awaitable[object]], message: Message) -> bool:
    """Edit a message into another one; False where Telegram refuses: it may be gone."""

    async def edit(mode: ParseMode | None) -> None:
        try:
            await put(**_content(message, mode))
        except BadRequest as error:
            if mode is None or "not modified" not in str(error):
                raise

    with suppress(BadRequest):
        await _formatted(edit)
        return True
    return False


async def _edit_ephemeral(query: CallbackQuery, **content: object) -> None:
    """Edit the ephemeral message whose button was pressed."""
    if query.message is None:
        raise ValueError("a button without a message")
    which = {
        "chat_id": query.message.chat.id,
        "receiver_user_id": query.from_user.id,
        "ephemeral_message_id": ephemeral_number(query.message),
    }
    given = {name: value for name, value in content.items() if value is not None}
    await query.get_bot().do_api_request("editEphemeralMessageText", which | given)


def _reply_options(to: TelegramMessage) -> dict[str, Any]:
    """What makes a message a reply: to an ephemeral message, one that its author alone sees."""
    number = ephemeral_number(to)
    if number is None:
        reply_to = ReplyParameters(to.message_id, allow_sending_without_reply=True)
        return {"reply_parameters": reply_to}
    ephemeral = {
        "reply_parameters": {"ephemeral_message_id": number},
        "ephemeral_message_parameters": {"receiver_user_id": person_of(to)},
    }
    return {"do_quote": False, "api_kwargs": ephemeral}


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


def _key(message: TelegramMessage) -> tuple[int, int]:
    return message.chat_id, message.message_id
