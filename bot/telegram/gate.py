"""Lets in whoever may ask, refuses the others, and takes an album for one message."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from dataclasses import dataclass, field

from telegram import Message, Update
from telegram.ext import ApplicationHandlerStop, ContextTypes

from bot.access import Access
from bot.telegram.inline import answer_guest, answer_inline
from bot.telegram.messages import text_message
from bot.telegram.sending import acknowledge, reply
from bot.telegram.updates import addressed, command_of, person_of, texts_of

_ALBUM_PAUSE = 1.0  # seconds in which the messages of an album arrive
_MAX_ALBUMS = 1000  # remembered


@dataclass(frozen=True)
class Gate:
    """The handler before the others, for those whom ``access`` does not admit."""

    access: Access
    language: str

    async def check(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Whoever may not ask is refused, and no other handler runs.

        In guest mode the chat admits nobody: its number may be that of another chat.
        """
        user, chat = update.effective_user, update.effective_chat
        chat = None if update.guest_message else chat
        number = chat.id if chat else None
        if await asyncio.to_thread(self.access.admits, _person(update), number):
            return
        if user and update.message and (code := _invitation(update.message)):
            if await self.access.joins(user.id, code):
                return
            say = texts_of(update, self.language)
            await reply(update.message, say("problem.no_invitation"))
        else:
            await self._refuse(update, context)
        raise ApplicationHandlerStop

    async def _refuse(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Say why, where the update is for the bot: not to a reaction, or on joining a group."""
        say = texts_of(update, self.language)
        refusal = say("problem.not_allowed", user=_person(update) or "?")
        if update.callback_query is not None:
            await acknowledge(update.callback_query, refusal)
        elif update.inline_query is not None:
            await answer_inline(update.inline_query, say("telegram.inline_closed"))
        elif update.guest_message is not None:
            await answer_guest(update.guest_message, text_message(say("telegram.inline_closed")))
        elif update.message is not None and _is_for_bot(update.message, context):
            await reply(update.message, refusal)


@dataclass(frozen=True)
class Albums:
    """Lets one message of each album through: the first with a caption, or else the first.

    For Telegram an album is several messages, for people it is one. The documents of an admin are
    one article each.
    """

    admins: frozenset[int]
    _passed: OrderedDict[tuple[int, str], None] = field(default_factory=OrderedDict)

    async def check(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """An update; raises ApplicationHandlerStop where it belongs to an album that passed."""
        message = update.message
        if message is None or message.media_group_id is None or not _is_for_bot(message, context):
            return  # in a group, any caption may name the bot
        if message.document is not None and person_of(message) in self.admins:
            return
        if not message.caption:
            await asyncio.sleep(_ALBUM_PAUSE)
        key = (message.chat_id, message.media_group_id)
        if key in self._passed:
            raise ApplicationHandlerStop
        self._passed[key] = None
        if len(self._passed) > _MAX_ALBUMS:
            self._passed.popitem(last=False)


def _person(update: Update) -> int | None:
    """Who writes or presses a button: an anonymous administrator is the group."""
    message = update.message or update.edited_message or update.guest_message
    if message is not None:
        return person_of(message)
    return update.effective_user.id if update.effective_user else None


def _invitation(message: Message) -> str:
    """The code in "/start code"; "" where there is none."""
    match = re.fullmatch(r"/start\s+([\w-]{1,64})", message.text or "", re.ASCII)
    return match[1] if match else ""


def _is_for_bot(message: Message, context: ContextTypes.DEFAULT_TYPE) -> bool:
    """Whether a message is for the bot: all are in private, some in a group."""
    if message.chat.type == message.chat.PRIVATE:
        return True
    named = command_of(message)[0].endswith(f"@{context.bot.username}".lower())
    return named or addressed(message, context.bot) is not None
