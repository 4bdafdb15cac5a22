"""Handles what users send: messages, commands and pressed buttons."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from functools import partial

from telegram import CallbackQuery, Update
from telegram import Message as TelegramMessage
from telegram.error import TelegramError
from telegram.ext import ApplicationHandlerStop, ContextTypes

from bot.access import Access
from bot.captions import not_one_article
from bot.listing import find_article
from bot.locales import Texts
from bot.queue import CrowdedError
from bot.smalltalk import Examples
from bot.state import State
from bot.status import note_error
from bot.telegram.answering import Answering, Asker, MessageKey, person_of
from bot.telegram.buttons import quotation_messages
from bot.telegram.commands import set_admin_menu
from bot.telegram.inline import answer_inline
from bot.telegram.messages import Button, text_message, verification_messages
from bot.telegram.pages import article_page, articles_page, pressed_page
from bot.telegram.sending import acknowledge, deliver, replace_pressed, reply, send, typing
from bot.telegram.updates import (
    addressed,
    command_of,
    message_of,
    text_of,
    texts_of,
)
from index.errors import VirgoletteError
from index.generations.current import CurrentIndex
from retrieval.verifying.claim import MAX_CLAIM
from retrieval.verifying.outcome import ClaimError
from retrieval.verifying.verification import verify_in

_MAX_DATA = 64  # bytes that a button sends

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Handlers:
    """The handlers of messages and buttons, for those whom ``access`` admits."""

    answering: Answering
    access: Access
    examples: Examples
    language: str
    state: State

    @property
    def index(self) -> CurrentIndex:
        """The articles."""
        return self.answering.index

    async def gate(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Runs before the others: whoever may not ask is refused, and no other handler runs."""
        user, chat = update.effective_user, update.effective_chat
        person = user.id if user else None
        if await self.access.admits(person, chat.id if chat else None):
            return
        if user and update.message and (code := _invitation(update.message)):
            if await self.access.joins(user.id, code):
                return
            await self._say(update, "problem.no_invitation")
        else:
            await self._refuse(update, context)
        raise ApplicationHandlerStop

    async def start(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/start: what the bot does, and examples that the articles answer."""
        message, say = message_of(update), self._texts(update)
        async with typing(message):
            rows = await self._example_rows(say)
        text = say("telegram.start")
        if rows:
            text += f" {say('telegram.start_examples')}"
        await deliver(message, [text_message(text).with_buttons(*rows)])
        if message.chat_id in self.access.admins:
            await set_admin_menu(context.bot, message.chat_id)

    async def help(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/help: how to use the bot."""
        await self._say(update, "telegram.help")

    async def privacy(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/privacy: what is kept about people, and what leaves the machine."""
        say, writes = self._texts(update), self.answering.chain.writes
        leaving = "telegram.privacy_chat" if writes else "telegram.privacy_local"
        names = ("telegram.privacy", leaving, "telegram.privacy_end")
        await reply(message_of(update), "\n\n".join(say(name) for name in names))

    async def forgetme(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/forgetme: removes all that is kept about the user."""
        person = person_of(message_of(update))
        self.answering.conversations.forget_where(lambda asker: asker.person == person)
        await asyncio.to_thread(self.answering.answer_log.forget, person)
        await self._say(update, "telegram.forgotten_all")

    async def new(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/new: the next question refers to nothing before it."""
        self.answering.conversations.forget(Asker.of(message_of(update)))
        await self._say(update, "chat.forgotten")

    async def cancel(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/cancel: gives up the questions under way; their replies say so."""
        if not self.answering.cancel(Asker.of(message_of(update))):
            await self._say(update, "telegram.nothing_to_cancel")

    async def ask(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/ask question, or in reply to a message with the question."""
        if question := _command_text(message_of(update)):
            await self._answer(update, question)
        else:
            await self._say(update, "telegram.ask_usage")

    async def verify(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/verify sentence, or in reply to a message with the sentence."""
        message, say = message_of(update), self._texts(update)
        try:
            verification = await asyncio.to_thread(verify_in, self.index, _command_text(message))
        except ClaimError as error:
            await reply(message, say(f"verify.problem_{error.problem}", limit=MAX_CLAIM))
        else:
            await deliver(message, verification_messages(verification, say))

    async def sources(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/sources: the list of articles, a page at a time."""
        page = await asyncio.to_thread(articles_page, self.index, 0, self._texts(update))
        await deliver(message_of(update), [page])

    async def article(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/article and what names one: its text, a page at a time."""
        name, say = " ".join(context.args or []), self._texts(update)
        if not name:
            await self._say(update, "chat.article_usage")
            return
        found = await asyncio.to_thread(find_article, self.index, name)
        number = found.matches[0].number if found.article else 0
        if page := await asyncio.to_thread(article_page, self.index, number, 0, say):
            await deliver(message_of(update), [page])
        else:
            await reply(message_of(update), not_one_article(found, name, say))

    async def question(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """Any other text or caption in a private chat is a question."""
        await self._answer(update, text_of(message_of(update)))

    async def answer_if_addressed(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """In a group only a mention of the bot, or a reply to it, is a question."""
        question = addressed(message_of(update), context.bot)
        if question is not None:
            await self._answer(update, question)

    async def edited(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """An edited question edits its answer; a message that becomes a question is answered."""
        message = message_of(update)
        command, rest = command_of(message)
        if command:
            question = rest if command in ("/ask", f"/ask@{context.bot.username}".lower()) else ""
        elif message.chat.type == message.chat.PRIVATE:
            question = text_of(message)
        else:
            question = addressed(message, context.bot) or ""
        if question:
            await self._answer(update, question)

    async def not_text(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A photo, a voice, a sticker."""
        await self._say(update, "problem.not_text")

    async def no_documents(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A document from somebody who is no admin."""
        await self._say(update, "problem.no_documents")

    async def unknown_command(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A command that does not exist, or not for this user."""
        command = command_of(message_of(update))[0].partition("@")[0]
        await self._say(update, "telegram.unknown_command", command=command)

    async def pressed(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A button: another page, a quotation in its paragraph, a vote, or an example."""
        query, say = update.callback_query, self._texts(update)
        if query is None:
            raise ValueError("a button without a query")
        data = query.data or ""
        kind, value = [*data.split(":", 1), ""][:2]
        if kind in ("good", "bad"):
            await self._vote(query, value, say, good=kind == "good")
        elif kind == "ask":
            await self._ask_example(query, value, say)
        elif kind in ("quote", "copy"):
            inline = query.get_bot().supports_inline_queries
            show = partial(quotation_messages, self.index, data, say, inline=inline)
            messages = await asyncio.to_thread(show)
            await acknowledge(query, "" if messages else say("telegram.page_gone"))
            if messages and isinstance(query.message, TelegramMessage):
                await deliver(query.message, messages)
        else:
            page = await asyncio.to_thread(pressed_page, self.index, data, say)
            await acknowledge(query, "" if page else say("telegram.page_gone"))
            if page:
                await replace_pressed(query, page)

    async def error(self, update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        """An error that a handler did not foresee: it is logged, and the user hears of it."""
        if update is None and isinstance(context.error, TelegramError):
            _log.warning("no messages come from Telegram (%s); trying again", context.error)
            return
        if isinstance(context.error, VirgoletteError):
            _log.error("a message could not be handled: %s", context.error)
        else:
            _log.error("a message could not be handled", exc_info=context.error)
        try:
            await asyncio.to_thread(note_error, self.state)
        except VirgoletteError as error:
            _log.error("%s", error)
        if isinstance(update, Update) and update.callback_query is not None:
            await acknowledge(update.callback_query, self._texts(update)("problem.failed"))
        elif isinstance(update, Update) and update.effective_message is not None:
            await self._say(update, "problem.failed")

    async def _answer(self, update: Update, raw: str) -> None:
        await self.answering.answer(message_of(update), raw, self._texts(update))

    async def _refuse(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        user, say = update.effective_user, self._texts(update)
        refusal = say("problem.not_allowed", user=user.id if user else "?")
        if update.callback_query is not None:
            await acknowledge(update.callback_query, refusal)
        elif update.inline_query is not None:
            await answer_inline(update.inline_query, say("telegram.inline_closed"))
        elif update.message is not None and _is_for_bot(update.message, context):
            await reply(update.message, refusal)

    async def _example_rows(self, say: Texts) -> list[list[Button]]:
        try:
            async with self.answering.queue.turn():
                examples = await asyncio.to_thread(self.examples.of, say)
        except (CrowdedError, VirgoletteError) as error:
            _log.warning("no examples: %s", error)
            return []
        buttons = [Button(text, f"ask:{text}") for text in dict.fromkeys(examples)]
        return [[button] for button in buttons if len(button.data.encode()) <= _MAX_DATA]

    async def _ask_example(self, query: CallbackQuery, question: str, say: Texts) -> None:
        await acknowledge(query)
        if isinstance(query.message, TelegramMessage):
            message = await send(query.message, text_message(question))
            await self.answering.answer(message, question, say, query.from_user.id)

    async def _vote(self, query: CallbackQuery, number: str, say: Texts, *, good: bool) -> None:
        counted, vote = False, self.answering.answer_log.vote
        if query.message is not None and re.fullmatch(r"\d{1,15}", number):
            key = MessageKey(query.message.chat.id, int(number))
            counted = await asyncio.to_thread(vote, key, query.from_user.id, good=good)
        await acknowledge(query, say("telegram.voted" if counted else "telegram.vote_gone"))

    async def _say(self, update: Update, name: str, **values: object) -> None:
        await reply(message_of(update), self._texts(update)(name, **values))

    def _texts(self, update: Update) -> Texts:
        return texts_of(update, self.language)


def _command_text(message: TelegramMessage) -> str:
    """The text after a command, or else the message that the command replies to."""
    return command_of(message)[1] or text_of(message.reply_to_message)


def _invitation(message: TelegramMessage) -> str:
    """The code in "/start code"; "" where there is none."""
    match = re.fullmatch(r"/start\s+([\w-]{1,64})", message.text or "", re.ASCII)
    return match[1] if match else ""


def _is_for_bot(message: TelegramMessage, context: ContextTypes.DEFAULT_TYPE) -> bool:
    """Whether a message is for the bot: all are in private, some in a group."""
    if message.chat.type == message.chat.PRIVATE:
        return True
    named = command_of(message)[0].endswith(f"@{context.bot.username}".lower())
    return named or addressed(message, context.bot) is not None
