"""What the bot does with a message."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass

from telegram import Message as TelegramMessage
from telegram import MessageEntity, Update, User
from telegram.error import TelegramError
from telegram.ext import ContextTypes

from bot.language import texts_for_user
from bot.locales import Texts
from bot.telegram.addressing import addressed
from bot.telegram.blocks import Message
from bot.telegram.browsing import article_page, articles_page, pressed_page
from bot.telegram.html import answer_messages, text_message, verification_messages
from bot.telegram.sending import acknowledge, reply, turn, typing
from bot.verifying import verified_in
from index.errors import VirgoletteError
from index.live import LiveIndex
from retrieval.answer import MAX_QUESTION, Question, QuestionError
from retrieval.chain import AnswerChain
from retrieval.verification import MAX_CLAIM, ClaimError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Handlers:
    """The handlers of messages. ``allowed``: the users and chats that may ask; empty means any."""

    chain: AnswerChain
    index: LiveIndex
    language: str
    allowed: frozenset[int]

    async def start(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/start: what the bot does, and an example."""
        await self._say(update, "telegram.start")

    async def help(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/help: how it is used."""
        await self._say(update, "telegram.help")

    async def ask(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/ask question."""
        if not context.args:
            await self._say(update, "telegram.ask_usage")
            return
        await self._answer(update, (_message(update).text or "").split(maxsplit=1)[1])

    async def verify(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/verify sentence, or as a reply to a message with the sentence."""
        message, say = _message(update), self._texts(update.effective_user)
        told = (message.text or "").split(maxsplit=1)[1:]
        sentence = told[0] if told else _text_of(message.reply_to_message)
        try:
            found = await asyncio.to_thread(verified_in, self.index, sentence)
        except ClaimError as error:
            problem = say(f"verify.problem_{error.problem}", limit=MAX_CLAIM)
            await reply(message, [text_message(problem)])
        else:
            await reply(message, verification_messages(found, say))

    async def sources(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/sources: the articles, a page at a time."""
        say = self._texts(update.effective_user)
        page = await asyncio.to_thread(articles_page, self.index, 0, say)
        await reply(_message(update), [page])

    async def article(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/article number: its text, a page at a time."""
        told = (context.args or [""])[0]
        if not re.fullmatch(r"[0-9]{1,9}", told):
            await self._say(update, "chat.article_usage")
            return
        say = self._texts(update.effective_user)
        page = await asyncio.to_thread(article_page, self.index, int(told), 0, say)
        if page:
            await reply(_message(update), [page])
        else:
            await self._say(update, "chat.no_such_article", number=told)

    async def pressed(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A button below a page: another page in its place."""
        query = update.callback_query
        if query is None:
            raise ValueError("a button without a query")
        say = self._texts(query.from_user)
        chat = query.message.chat.id if query.message else None
        if self.allowed and not self.allowed.intersection((query.from_user.id, chat)):
            await acknowledge(query, say("problem.not_allowed", user=query.from_user.id))
            return
        page = await asyncio.to_thread(pressed_page, self.index, query.data or "", say)
        await acknowledge(query, "" if page else say("telegram.page_gone"))
        if page:
            await turn(query, page)

    async def question(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """Any other text in a private chat is a question, and so is what stands below a picture."""
        await self._answer(update, _text_of(_message(update)))

    async def answer_if_addressed(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """In a group a mention of the bot, or a reply to it, is a question; the rest is not."""
        question = addressed(_message(update), context.bot)
        if question is not None:
            await self._answer(update, question)

    async def not_text(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A photo, a voice, a sticker."""
        await self._say(update, "problem.not_text")

    async def refuse(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """Somebody who is not on the list: told so, and which number to have added."""
        user = update.effective_user
        await self._say(update, "problem.not_allowed", user=user.id if user else "?")

    async def refuse_if_addressed(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """The same in a group, where not every message is for the bot."""
        message = _message(update)
        command = next(iter(message.parse_entities([MessageEntity.BOT_COMMAND]).values()), "")
        named = command.lower().endswith(f"@{context.bot.username}".lower())
        if named or addressed(message, context.bot) is not None:
            await self.refuse(update, context)

    async def error(self, update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Whatever a handler did not foresee: logged, and the user is not left without a word."""
        if update is None and isinstance(context.error, TelegramError):
            _log.warning("no messages come from Telegram (%s); trying again", context.error)
            return
        _log.error("a message could not be handled", exc_info=context.error)
        if isinstance(update, Update) and update.effective_message is not None:
            await self._say(update, "problem.failed")

    async def _answer(self, update: Update, raw: str) -> None:
        message, say = _message(update), self._texts(update.effective_user)
        async with typing(message):
            messages = await self._messages(raw, say)
        await reply(message, messages)

    async def _messages(self, raw: str, say: Texts) -> list[Message]:
        try:
            answer = await self.chain.ainvoke(Question.parse(raw))
        except QuestionError as error:
            return [text_message(say(f"problem.{error.problem}", limit=MAX_QUESTION))]
        except VirgoletteError as error:
            _log.error("no answer: %s", error)
            return [text_message(say("problem.failed"))]
        return answer_messages(answer, say)

    async def _say(self, update: Update, name: str, **values: object) -> None:
        say = self._texts(update.effective_user)
        await reply(_message(update), [text_message(say(name, **values))])

    def _texts(self, user: User | None) -> Texts:
        return texts_for_user(self.language, user.language_code if user else None)


def _text_of(message: TelegramMessage | None) -> str:
    return (message.text or message.caption or "") if message else ""


def _message(update: Update) -> TelegramMessage:
    message = update.effective_message
    if message is None:
        raise ValueError("an update without a message")
    return message
