"""What the bot does with what people send."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass

from telegram import CallbackQuery, Update, User
from telegram import Message as TelegramMessage
from telegram.error import TelegramError
from telegram.ext import ApplicationHandlerStop, ContextTypes

from bot.access import Access
from bot.locales import Texts, texts_for_user
from bot.queue import CrowdedError
from bot.smalltalk import Examples
from bot.state import AnswerLog, State
from bot.status import note_error
from bot.telegram.answering import Answering, person_of
from bot.telegram.buttons import article_page, articles_page, pressed_page, quoted_page
from bot.telegram.commands import set_admin_menu
from bot.telegram.inline import answer_inline
from bot.telegram.messages import Button, text_message, verification_messages
from bot.telegram.sending import acknowledge, deliver, send, turn, typing
from bot.telegram.updates import addressed, command_of, message_of, text_of
from index.errors import VirgoletteError
from index.generations.current import CurrentIndex
from retrieval.answering.verification import MAX_CLAIM, ClaimError, verify_in

LONGEST_DATA = 64  # bytes that a button tells

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

    @property
    def answer_log(self) -> AnswerLog:
        """The answers that were given."""
        return self.answering.answer_log

    async def gate(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Before all others: who may not ask is told so, and nothing else is done."""
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
        message, say = message_of(update), self._texts(update.effective_user)
        async with typing(message):
            rows = await self._examples(say)
        told = [say("telegram.start"), *[say("telegram.start_examples")][: len(rows)]]
        await deliver(message, [text_message(" ".join(told)).with_buttons(*rows)])
        if message.chat_id in self.access.admins:
            await set_admin_menu(context.bot, message.chat_id)

    async def help(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/help: how it is used."""
        await self._say(update, "telegram.help")

    async def privacy(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/privacy: what is kept about people, and what leaves the machine."""
        say = self._texts(update.effective_user)
        leaves = (
            "telegram.privacy_chat" if self.answering.chain.writes else "telegram.privacy_local"
        )
        told = "\n\n".join(
            say(name) for name in ("telegram.privacy", leaves, "telegram.privacy_end")
        )
        await deliver(message_of(update), [text_message(told)])

    async def forget_me(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/forgetme: all that is kept about somebody is removed."""
        person = person_of(message_of(update))
        self.answering.conversations.forget_where(lambda who: who[1] == person)  # in any chat
        await asyncio.to_thread(self.answer_log.forget, person)
        await self._say(update, "telegram.forgotten_all")

    async def new(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/new: the next question refers to nothing before it."""
        message = message_of(update)
        self.answering.conversations.forget((message.chat_id, person_of(message)))
        await self._say(update, "chat.forgotten")

    async def cancel(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/cancel: what was asked and is not answered yet is given up, and says so itself."""
        message = message_of(update)
        if not self.answering.cancel((message.chat_id, person_of(message))):
            await self._say(update, "telegram.nothing_to_cancel")

    async def ask(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/ask question, or in reply to a message with the question."""
        message = message_of(update)
        asked = command_of(message)[1] or text_of(message.reply_to_message)
        if asked:
            await self._answer(update, asked)
        else:
            await self._say(update, "telegram.ask_usage")

    async def verify(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/verify sentence, or in reply to a message with the sentence."""
        message, say = message_of(update), self._texts(update.effective_user)
        sentence = command_of(message)[1] or text_of(message.reply_to_message)
        try:
            found = await asyncio.to_thread(verify_in, self.index, sentence)
        except ClaimError as error:
            problem = say(f"verify.problem_{error.problem}", limit=MAX_CLAIM)
            await deliver(message, [text_message(problem)])
        else:
            await deliver(message, verification_messages(found, say))

    async def sources(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/sources: the articles, a page at a time."""
        say = self._texts(update.effective_user)
        page = await asyncio.to_thread(articles_page, self.index, 0, say)
        await deliver(message_of(update), [page])

    async def article(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/article number: its text, a page at a time."""
        told = (context.args or [""])[0]
        if not re.fullmatch(r"[0-9]{1,9}", told):
            await self._say(update, "chat.article_usage")
            return
        say = self._texts(update.effective_user)
        page = await asyncio.to_thread(article_page, self.index, int(told), 0, say)
        if page:
            await deliver(message_of(update), [page])
        else:
            await self._say(update, "chat.no_such_article", number=told)

    async def question(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """Any other text in a private chat is a question, and so is what stands below a picture."""
        await self._answer(update, text_of(message_of(update)))

    async def answer_if_addressed(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """In a group a mention of the bot, or a reply to it, is a question; the rest is not."""
        question = addressed(message_of(update), context.bot)
        if question is not None:
            await self._answer(update, question)

    async def edited(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """An edited question edits its answer; one that was none before is answered."""
        message = message_of(update)
        command, rest = command_of(message)
        if command:
            asked = rest if command in ("/ask", f"/ask@{context.bot.username}".lower()) else ""
        elif message.chat.type == message.chat.PRIVATE:
            asked = text_of(message)
        else:
            asked = addressed(message, context.bot) or ""
        if asked:
            await self._answer(update, asked)

    async def not_text(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A photo, a voice, a sticker."""
        await self._say(update, "problem.not_text")

    async def no_documents(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A document from somebody who does not administer the bot."""
        await self._say(update, "problem.no_documents")

    async def unknown_command(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A command that nobody knows, or not this person."""
        command = command_of(message_of(update))[0].partition("@")[0]
        await self._say(update, "telegram.unknown_command", command=command)

    async def pressed(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A button: another page in its place, a quotation where it stands, a vote, an example."""
        query = update.callback_query
        if query is None:
            raise ValueError("a button without a query")
        kind, told = [*(query.data or "").split(":", 1), ""][:2]
        say = self._texts(query.from_user)
        if kind in ("good", "bad"):
            await self._vote(query, told, say, good=kind == "good")
        elif kind == "ask":
            await self._ask_example(query, told, say)
        elif kind == "quote":
            await self._show_quoted(query, say)
        else:
            page = await asyncio.to_thread(pressed_page, self.index, query.data or "", say)
            await acknowledge(query, "" if page else say("telegram.page_gone"))
            if page:
                await turn(query, page)

    async def error(self, update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Whatever a handler did not foresee: logged, and the user is not left without a word."""
        if update is None and isinstance(context.error, TelegramError):
            _log.warning("no messages come from Telegram (%s); trying again", context.error)
            return
        if isinstance(context.error, VirgoletteError):
            _log.error("a message could not be handled: %s", context.error)
        else:
            _log.error("a message could not be handled", exc_info=context.error)
        await self._count_error()
        if isinstance(update, Update) and update.callback_query is not None:
            say = self._texts(update.effective_user)
            await acknowledge(update.callback_query, say("problem.failed"))
        elif isinstance(update, Update) and update.effective_message is not None:
            await self._say(update, "problem.failed")

    async def _answer(self, update: Update, raw: str) -> None:
        await self.answering.answer(message_of(update), raw, self._texts(update.effective_user))

    async def _count_error(self) -> None:
        try:
            await asyncio.to_thread(note_error, self.state)
        except VirgoletteError as error:
            _log.error("%s", error)

    async def _refuse(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        user = update.effective_user
        say, number = self._texts(user), user.id if user else "?"
        if update.callback_query is not None:
            await acknowledge(update.callback_query, say("problem.not_allowed", user=number))
        elif update.inline_query is not None:
            await answer_inline(update.inline_query, say("telegram.inline_closed"))
        elif update.message is not None and _is_for_us(update.message, context):
            await self._say(update, "problem.not_allowed", user=number)

    async def _examples(self, say: Texts) -> list[list[Button]]:
        try:
            async with self.answering.queue.turn():
                examples = await asyncio.to_thread(self.examples.of, say)
        except (CrowdedError, VirgoletteError) as error:
            _log.warning("no examples: %s", error)
            return []
        data = {text: f"ask:{text}" for text in examples}
        return [[Button(t, d)] for t, d in data.items() if len(d.encode()) <= LONGEST_DATA]

    async def _ask_example(self, query: CallbackQuery, question: str, say: Texts) -> None:
        await acknowledge(query)
        if isinstance(query.message, TelegramMessage):
            asked = await send(query.message, text_message(question))
            await self.answering.answer(asked, question, say, query.from_user.id)

    async def _show_quoted(self, query: CallbackQuery, say: Texts) -> None:
        messages = await asyncio.to_thread(quoted_page, self.index, query.data or "", say)
        await acknowledge(query, "" if messages else say("telegram.page_gone"))
        if messages and isinstance(query.message, TelegramMessage):
            await deliver(query.message, messages)

    async def _vote(self, query: CallbackQuery, number: str, say: Texts, *, good: bool) -> None:
        counted = False
        if query.message is not None and re.fullmatch(r"\d{1,15}", number):
            place, person = (query.message.chat.id, int(number)), query.from_user.id
            counted = await asyncio.to_thread(self.answer_log.vote, place, person, good=good)
        await acknowledge(query, say("telegram.voted" if counted else "telegram.vote_gone"))

    async def _say(self, update: Update, name: str, **values: object) -> None:
        say = self._texts(update.effective_user)
        await deliver(message_of(update), [text_message(say(name, **values))])

    def _texts(self, user: User | None) -> Texts:
        return texts_for_user(self.language, user.language_code if user else None)


def _invitation(message: TelegramMessage) -> str:
    """The code in "/start code"."""
    found = re.fullmatch(r"/start\s+([\w-]{1,64})", message.text or "", re.ASCII)
    return found[1] if found else ""


def _is_for_us(message: TelegramMessage, context: ContextTypes.DEFAULT_TYPE) -> bool:
    """Whether a message is for the bot: all are in private, some in a group."""
    if message.chat.type == message.chat.PRIVATE:
        return True
    named = command_of(message)[0].endswith(f"@{context.bot.username}".lower())
    return named or addressed(message, context.bot) is not None
