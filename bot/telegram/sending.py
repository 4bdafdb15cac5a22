"""Sends messages with retries, and as plain text where Telegram refuses the formatting.

Where the settings allow it, one rich message shows an answer that profits from it. A server that
does not know rich messages is not asked again; what it refuses is sent as HTML.

An ephemeral message, which its author and the bot alone see, is answered by another one. Source:
https://core.telegram.org/bots/api#ephemeral-messages-and-commands
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
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
from telegram.error import (
    BadRequest,
    EndPointNotFound,
    Forbidden,
    TelegramError,
)

from bot.following.shown import Where
from bot.locales import Texts
from bot.state import AnswerLog
from bot.telegram.messages import Button, Message, text_message
from bot.telegram.requests import is_closed, persistently
from bot.telegram.rich import Json, rich_message
from bot.telegram.updates import ephemeral_number, person_of, topic_of
from index.errors import StorageError
from retrieval.answer import Answer

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_TYPING_INTERVAL = 4.5  # seconds; Telegram shows "typing…" for five
_MAX_ALERT = 200  # characters

_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass
class RichSupport:
    """Whether rich messages are sent: if it is set so, until a server does not know them."""

    enabled: bool = False


@dataclass(frozen=True)
class Replies:
    """The replies of the bot: those to an edited message replace the ones that it had before.

    If the disk fails, it gets new ones. Nothing is kept of replies to an ephemeral message.
    """

    answer_log: AnswerLog
    rich: RichSupport = field(default_factory=RichSupport)
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

    async def show(
        self,
        to: TelegramMessage,
        messages: Sequence[Message],
        before: Sequence[int],
        answer: Answer | None,
        say: Texts,
    ) -> list[int]:
        """Reply with an answer, or with what is sent instead; the numbers of the replies.

        ``messages``: what shows it where a rich message does not, with its buttons in the last.
        """
        if answer is not None and self.rich.enabled and ephemeral_number(to) is None:
            rich = rich_message(answer, say)
            number = await self._put_rich(to, rich, messages[-1], before) if rich else None
            if number is not None:
                await _delete(to, [old for old in before if old != number])
                return [number]
        return await deliver(to, messages, before)

    async def _put_rich(
        self, to: TelegramMessage, rich: Json, message: Message, before: Sequence[int]
    ) -> int | None:
        """Send a rich message, or edit the first of the replies into it; None where refused."""
        try:
            if before:
                return await _edit_rich(to, rich, message, before[0])
            return await _send_rich(to, rich, message)
        except (EndPointNotFound, BadRequest) as error:
            reason = str(error.__cause__ or error)
            # A server that does not know the method, or finds no text for the other one
            self.rich.enabled = "Not Found" not in reason and "text is empty" not in reason
            _log.warning("no rich message (%s); trying HTML", reason)
        return None

    async def keep(
        self,
        to: TelegramMessage,
        person: int,
        replies: list[int],
        answer: Answer | None = None,
        language: str = "it",
    ) -> None:
        """Keep the numbers of the replies, and the answer that they show, if they show one."""
        if ephemeral_number(to) is not None:  # all of a chat have the same other number
            return
        try:
            where = Where(topic_of(to), to.direct_messages_topic is not None, language)
            await asyncio.to_thread(self.answer_log.keep, _key(to), person, replies, answer, where)
        except StorageError as error:  # the reply is sent all the same; its buttons do not work
            _log.error("%s", error)


async def _send_rich(to: TelegramMessage, rich: Json, message: Message) -> int:
    keyboard = {"reply_markup": _keyboard(message)} if message.rows else {}
    content = {"chat_id": to.chat_id, "rich_message": rich} | keyboard
    content |= _reply_options(to) | _topic_options(to)
    request = to.get_bot().do_api_request  # python-telegram-bot 22.8 does not know the method
    sent = await persistently(lambda: request("sendRichMessage", content))
    return int(sent["message_id"])


async def _edit_rich(to: TelegramMessage, rich: Json, message: Message, number: int) -> int:
    put: Callable[..., Awaitable[object]] = to.get_bot().edit_message_text
    content = {
        "text": None,  # there is one or the other
        "api_kwargs": {"rich_message": rich},
        "reply_markup": _keyboard(message) if message.rows else None,
    }
    with _unmodified():
        await persistently(lambda: put(chat_id=to.chat_id, message_id=number, **content))
    return number


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
    await _delete(to, before[len(messages) :])
    return numbers


async def _delete(to: TelegramMessage, numbers: Sequence[int]) -> None:
    for number in numbers:
        with suppress(TelegramError):  # older than two days, or deleted by somebody else
            await to.get_bot().delete_message(to.chat_id, number)


async def reply(to: TelegramMessage, text: str) -> None:
    """Reply to a message with a plain text."""
    await deliver(to, [text_message(text)])


async def send(to: TelegramMessage, message: Message) -> TelegramMessage:
    """Reply to a message, which may have been deleted meanwhile; the reply."""
    options = _reply_options(to)
    return await _formatted(lambda mode: to.reply_text(**content_of(message, mode), **options))


async def send_document(
    to: TelegramMessage, name: str, content: bytes, caption: Message | None = None
) -> None:
    """Reply to a message with a file, and what stands below it."""
    options = _reply_options(to)
    if caption:
        keyboard = _keyboard(caption) if caption.rows else None
        options |= {"caption": caption.plain, "reply_markup": keyboard}
    await persistently(lambda: to.reply_document(content, filename=name, **options))


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
            try:
                await to.reply_chat_action(ChatAction.TYPING)
            except Forbidden:  # the answer would be, too
                raise
            except TelegramError:  # an ornament: the answer does not depend on it
                pass
        await asyncio.sleep(_TYPING_INTERVAL)


async def _replace(put: Callable[..., Awaitable[object]], message: Message) -> bool:
    """Edit a message into another one; False where Telegram refuses: it may be gone.

    Raises what says that nothing can be sent to the chat either.
    """

    async def edit(mode: ParseMode | None) -> None:
        with _unmodified():
            await put(**content_of(message, mode))

    try:
        await _formatted(edit)
    except BadRequest as error:
        if is_closed(error):
            raise
        return False
    return True


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
        "ephemeral_message_parameters": {"receiver_user_id": (to.from_user or to.chat).id},
    }
    return {"do_quote": False, "api_kwargs": ephemeral}


def _topic_options(to: TelegramMessage) -> Json:
    """The topic of a message, as a reply in it needs it."""
    name = "message_thread_id" if to.is_topic_message else "direct_messages_topic_id"
    topic = topic_of(to)
    return {name: topic} if topic else {}


@contextmanager
def _unmodified() -> Iterator[None]:
    """Pass over the refusal to edit a message into what it already is."""
    try:
        yield
    except BadRequest as error:
        if "not modified" not in str(error):
            raise


async def _formatted(put: Callable[[ParseMode | None], Awaitable[_T]]) -> _T:
    """Put a message somewhere, as plain text if Telegram refuses its formatting."""
    try:
        return await persistently(lambda: put(ParseMode.HTML))
    except BadRequest as error:
        if "entit" not in str(error).lower():  # "can't parse entities", "ENTITIES_TOO_LONG"
            raise
        _log.warning("Telegram refused the formatting of a message (%s); trying plain text", error)
    return await persistently(lambda: put(None))


def content_of(message: Message, mode: ParseMode | None) -> dict[str, Any]:
    """What a request says that sends a message: as plain text without a mode."""
    return {
        "text": message.markup if mode else message.plain,
        "parse_mode": mode,
        "reply_markup": _keyboard(message) if message.rows else None,
        "link_preview_options": NO_PREVIEW,
    }


def _keyboard(message: Message) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[_button(button) for button in row] for row in message.rows])


def _button(button: Button) -> InlineKeyboardButton:
    if button.copied:
        return InlineKeyboardButton(button.label, copy_text=CopyTextButton(button.copied))
    if button.shared:
        return InlineKeyboardButton(button.label, switch_inline_query=button.shared)
    return InlineKeyboardButton(button.label, callback_data=button.data)


def _key(message: TelegramMessage) -> tuple[int, int]:
    return message.chat_id, message.message_id
