"""Handles what users send: messages, commands and pressed buttons."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from telegram import CallbackQuery, ChatMember, ChatMemberUpdated, Update
from telegram import Message as TelegramMessage
from telegram.error import Conflict, TelegramError
from telegram.ext import ContextTypes

from bot.captions import not_one_article
from bot.drafts.report import problem
from bot.listing import find_article
from bot.locales import Texts
from bot.queue import CrowdedError
from bot.smalltalk import Examples
from bot.state import State
from bot.status import note_error
from bot.telegram.answering import Answering
from bot.telegram.buttons import (
    article_page,
    articles_page,
    pressed_page,
    quotation_messages,
    verification_buttons,
)
from bot.telegram.commands import set_admin_menu
from bot.telegram.corrections.history import Histories
from bot.telegram.documents.collecting import Collecting
from bot.telegram.documents.timeline import TimelineDocuments
from bot.telegram.drafts.checking import DraftChecks, document_of, is_draft
from bot.telegram.follows.handlers import FOLLOW_BUTTONS, Following
from bot.telegram.inline import answer_guest
from bot.telegram.messages import Button, Message, text_message, verification_messages
from bot.telegram.requests import is_closed
from bot.telegram.sending import (
    acknowledge,
    deliver,
    replace_pressed,
    reply,
    send,
    typing,
)
from bot.telegram.updates import (
    addressed,
    command_of,
    message_of,
    person_of,
    pressed_message,
    replied_text,
    text_of,
    texts_of,
)
from bot.telegram.votes import Voting
from index.errors import VirgoletteError
from index.generations.current import CurrentIndex
from retrieval.answer import Intent
from retrieval.verifying.outcome import ClaimError
from retrieval.verifying.verification import verify_in

_ADMIN = ChatMember.ADMINISTRATOR
_MAX_DATA = 64  # bytes that a button sends

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Handlers:
    """The handlers of messages and buttons. Replies to an edited message replace those before."""

    answering: Answering
    voting: Voting
    drafts: DraftChecks
    admins: frozenset[int]
    examples: Examples
    language: str
    state: State
    followed: Following
    collecting: Collecting

    @property
    def index(self) -> CurrentIndex:
        """The articles."""
        return self.answering.index

    async def start(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/start: what the bot does, and examples that the articles answer."""
        message, say = message_of(update), self._texts(update)
        async with typing(message):
            rows = await self._example_rows(say)
        text = say("telegram.start")
        if rows:
            text += f" {say('telegram.start_examples')}"
        await self._put(update, text_message(text).with_buttons(*rows))
        if message.chat_id in self.admins:
            await set_admin_menu(context.bot, message.chat_id)

    async def help(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/help: how to use the bot."""
        await self._say(update, "telegram.help")

    async def privacy(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/privacy: what is kept about people, and what leaves the machine."""
        say, writes = self._texts(update), self.answering.chain.writes
        leaving = "telegram.privacy_chat" if writes else "telegram.privacy_local"
        names = ("telegram.privacy", leaving, "telegram.privacy_end")
        await self._put(update, text_message("\n\n".join(say(name) for name in names)))

    async def forgetme(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/forgetme: removes all that is kept about the user."""
        message, say = message_of(update), self._texts(update)
        person = self.answering.asker(message).person
        self.answering.conversations.forget_where(lambda asker: asker.person == person)
        self.drafts.forget(person)
        for number in {person, person_of(message)}:
            await asyncio.to_thread(self.answering.replies.answer_log.forget, number)
        await reply(message, say("telegram.forgotten_all"))  # of which nothing is kept

    async def new(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/new: the next question refers to nothing before it."""
        self.answering.conversations.forget(self.answering.asker(message_of(update)))
        await self._say(update, "chat.forgotten")

    async def cancel(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/cancel: gives up the questions under way; their replies say so."""
        if not self.answering.cancel(self.answering.asker(message_of(update))):
            await self._say(update, "telegram.nothing_to_cancel")

    async def ask(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/ask question, or in reply to a message with the question."""
        if question := _command_text(message_of(update)):
            await self._answer(update, question)
        else:
            await self._say(update, "telegram.ask_usage")

    async def timeline(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/timeline subject, or in reply to a message with the subject."""
        if subject := _command_text(message_of(update)):
            await self._answer(update, subject, Intent.TIMELINE)
        else:
            await self._say(update, "telegram.timeline_usage")

    async def verify(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/verify sentence, or a draft; also in reply to a message with one, or as its caption."""
        message, say = message_of(update), self._texts(update)
        if document := document_of(message):
            await self.drafts.check_document(message, document, say)
            return
        text = _command_text(message)
        if is_draft(text):
            await self.drafts.check_text(message, text, say)
            return
        try:
            verification = await asyncio.to_thread(verify_in, self.index, text)
            inline = message.get_bot().supports_inline_queries
            below = partial(verification_buttons, self.index, verification, say, inline=inline)
            buttons = await asyncio.to_thread(below)
        except ClaimError as error:
            await self._put(update, text_message(problem(error, say)))
        else:
            *messages, last = verification_messages(verification, say)
            await self._put(update, *messages, last.with_buttons(*buttons))

    async def follow(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/follow question, or in reply to an answer: new articles that answer it are told."""
        message, say = message_of(update), self._texts(update)
        await self._put(update, await self.followed.command(message, command_of(message)[1], say))

    async def following(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/following: the questions that are followed, a page at a time."""
        page = await self.followed.page(message_of(update), 0, self._texts(update))
        await self._put(update, page)

    async def export(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/export: the quotations that were kept, as files."""
        await self.collecting.export(message_of(update), self._texts(update))

    async def sources(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/sources: the list of articles, a page at a time."""
        page = await asyncio.to_thread(articles_page, self.index, 0, self._texts(update))
        await self._put(update, page)

    async def article(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/article and what names one: its text, a page at a time."""
        name, say = command_of(message_of(update))[1], self._texts(update)
        if not name:
            await self._say(update, "chat.article_usage")
            return
        found = await asyncio.to_thread(find_article, self.index, name)
        number = found.matches[0].number if found.article else 0
        if page := await asyncio.to_thread(article_page, self.index, number, 0, say):
            await self._put(update, page)
        else:
            await self._put(update, text_message(not_one_article(found, name, say)))

    async def question(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """Any other text or caption in a private chat is a question."""
        await self._answer(update, text_of(message_of(update)))

    async def answer_if_addressed(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """In a group only a mention of the bot, or a reply to it, is a question."""
        question = addressed(message_of(update), context.bot)
        if question is not None:
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
        pressed = {
            "ask": self._ask_example,
            "draft": self.drafts.turn,
            "keep": self.collecting.press,
            "file": TimelineDocuments(self.answering).press,
            "changes": Histories(self.index).press,
        }
        if kind in ("good", "bad"):
            await self.voting.press(query, value, say, good=kind == "good")
        elif (shown := pressed_message(query)) is None:
            await acknowledge(query, say("telegram.press_too_old"))
        elif kind in pressed:
            await pressed[kind](query, shown, value, say)
        elif kind in FOLLOW_BUTTONS:
            await self.followed.press(query, shown, kind, value, say)
        elif kind in ("quote", "copy"):
            inline = query.get_bot().supports_inline_queries
            show = partial(quotation_messages, self.index, data, say, inline=inline)
            messages = await asyncio.to_thread(show)
            await acknowledge(query, "" if messages else say("telegram.page_gone"))
            if messages:
                await deliver(shown, messages)
        else:
            page = await asyncio.to_thread(pressed_page, self.index, data, say)
            await acknowledge(query, "" if page else say("telegram.page_gone"))
            if page:
                await replace_pressed(query, page)

    async def membership(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """The bot is in a chat, or no longer: in a group that it joins it says how to ask."""
        change, bot = update.my_chat_member, context.bot
        if change is None or not _joins_group(change):
            return
        if self.answering.supergroups.origin(change.chat.id) != change.chat.id:
            return  # it was in the group before that became a supergroup
        hears_all = bot.can_read_all_group_messages or change.new_chat_member.status == _ADMIN
        name = "telegram.joined" if hears_all else "telegram.joined_privacy"
        text = self._texts(update)(name, name=bot.username)
        try:
            await bot.send_message(change.chat.id, text)
        except TelegramError as error:  # it may not write there
            _log.info("a group that the bot has joined is not greeted: %s", error)

    async def error(self, update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        """An error that a handler did not foresee: it is logged, and the user hears of it."""
        if update is None and isinstance(context.error, TelegramError):
            if not isinstance(context.error, Conflict):  # the inbox says so
                _log.warning("no messages come from Telegram (%s); trying again", context.error)
            return
        if is_closed(context.error):
            _log.info("a chat cannot be written to, and gets no answer: %s", context.error)
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
        elif isinstance(update, Update) and update.guest_message is not None:
            failed = text_message(self._texts(update)("problem.failed"))
            await answer_guest(update.guest_message, failed)
        elif isinstance(update, Update) and update.effective_message is not None:
            await self._say(update, "problem.failed")

    async def _answer(self, update: Update, raw: str, intent: Intent | None = None) -> None:
        await self.answering.answer(message_of(update), raw, self._texts(update), intent=intent)

    async def _example_rows(self, say: Texts) -> list[list[Button]]:
        try:
            async with self.answering.queue.turn():
                examples = await asyncio.to_thread(self.examples.of, say)
        except (CrowdedError, VirgoletteError) as error:
            _log.warning("no examples: %s", error)
            return []
        buttons = [Button(text, f"ask:{text}") for text in dict.fromkeys(examples)]
        return [[button] for button in buttons if len(button.data.encode()) <= _MAX_DATA]

    async def _ask_example(
        self, query: CallbackQuery, shown: TelegramMessage, question: str, say: Texts
    ) -> None:
        await acknowledge(query)
        message = await send(shown, text_message(question))
        await self.answering.answer(message, question, say, query.from_user.id)

    async def _say(self, update: Update, name: str, **values: object) -> None:
        await self._put(update, text_message(self._texts(update)(name, **values)))

    async def _put(self, update: Update, *messages: Message) -> None:
        await self.answering.replies.put(message_of(update), messages)

    def _texts(self, update: Update) -> Texts:
        return texts_of(update, self.language)


def _command_text(message: TelegramMessage) -> str:
    """The text after a command, or else what the command replies to."""
    return command_of(message)[1] or replied_text(message)


def _joins_group(change: ChatMemberUpdated) -> bool:
    """Whether the bot has come into a group, where it was not before."""
    groups = (change.chat.GROUP, change.chat.SUPERGROUP)
    joins = _is_in(change.new_chat_member) and not _is_in(change.old_chat_member)
    return change.chat.type in groups and joins


def _is_in(member: ChatMember) -> bool:
    is_member: bool = getattr(member, "is_member", False)  # of one who is restricted
    return is_member or member.status in (_ADMIN, ChatMember.MEMBER)
