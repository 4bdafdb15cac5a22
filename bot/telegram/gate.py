"""Lets in whoever may ask, and refuses the others."""

from __future__ import annotations

import re
from dataclasses import dataclass

from telegram import Message, Update
from telegram.ext import ApplicationHandlerStop, ContextTypes

from bot.access import Access
from bot.telegram.inline import answer_guest, answer_inline
from bot.telegram.messages import text_message
from bot.telegram.sending import acknowledge, reply
from bot.telegram.updates import addressed, command_of, texts_of


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
        if await self.access.admits(user.id if user else None, chat.id if chat else None):
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
        user, say = update.effective_user, texts_of(update, self.language)
        refusal = say("problem.not_allowed", user=user.id if user else "?")
        if update.callback_query is not None:
            await acknowledge(update.callback_query, refusal)
        elif update.inline_query is not None:
            await answer_inline(update.inline_query, say("telegram.inline_closed"))
        elif update.guest_message is not None:
            await answer_guest(update.guest_message, text_message(say("telegram.inline_closed")))
        elif update.message is not None and _is_for_bot(update.message, context):
            await reply(update.message, refusal)


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
