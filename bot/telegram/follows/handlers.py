"""The commands and buttons by which people follow questions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from telegram import CallbackQuery
from telegram import Message as TelegramMessage

from bot.access import Supergroups
from bot.following.follows import Asked, Follow, Follows, Refusal
from bot.following.outbox import Destination
from bot.following.runs import Runs
from bot.locales import Texts
from bot.state import AnswerLog
from bot.telegram.answering import Answering
from bot.telegram.follows.lists import confirmation, followed_page
from bot.telegram.messages import Message, shortened, text_message
from bot.telegram.sending import acknowledge, deliver, replace_pressed
from bot.telegram.updates import person_of, replied_text, topic_of
from index.models.embedder import Embedder
from retrieval.answer import MAX_QUESTION, Intent, Question, QuestionError
from retrieval.following.followable import has_follow, is_followable

FOLLOW_BUTTONS = frozenset({"follow", "followed", "unfollow", "stop", "daily", "once"})
_Key = tuple[int, int]


@dataclass(frozen=True)
class Following:
    """What people follow. ``most``: how many questions each person may; 0: any number.

    ``wake``: called where something may have to be looked at, or sent.
    """

    follows: Follows
    runs: Runs
    answering: Answering
    embedder: Embedder
    most: int
    wake: Callable[[], None]
    clock: Callable[[], float] = time.time

    @property
    def supergroups(self) -> Supergroups:
        """The groups that have become supergroups."""
        return self.answering.supergroups

    @property
    def answer_log(self) -> AnswerLog:
        """The answers below which people press buttons."""
        return self.answering.replies.answer_log

    async def command(self, message: TelegramMessage, text: str, say: Texts) -> Message:
        """The reply to /follow and a question, or in reply to an answer or a question.

        What was not asked before counts as a question.
        """
        person, replied_to = person_of(message), message.reply_to_message
        key = None
        if replied_to is not None and not text:
            key = await asyncio.to_thread(self._answer_key, message, replied_to.message_id)
        if key:
            return await asyncio.to_thread(self._follow_answer, key, message, person, say)
        try:
            question = Question.parse(text or replied_text(message))
        except QuestionError as error:
            is_usage = error.problem == "empty"
            name = "telegram.follow_usage" if is_usage else f"problem.{error.problem}"
            return text_message(say(name, limit=MAX_QUESTION))
        if minutes := self.answering.wait(self.supergroups.origin(person)):
            return text_message(say("problem.too_many", minutes=minutes))
        return await asyncio.to_thread(self._follow_question, question, message, person, say)

    async def page(self, message: TelegramMessage, page: int, say: Texts) -> Message:
        """What the author of a message follows, or in a group what is followed there."""
        person = self.supergroups.origin(person_of(message))
        return await asyncio.to_thread(self._page, message, person, page, say)

    async def press(
        self, query: CallbackQuery, shown: TelegramMessage, kind: str, value: str, say: Texts
    ) -> None:
        """A button: "follow" below an answer, the others for a question that is followed."""
        number, _, page = value.partition(":")
        if not all(n.isascii() and n.isdecimal() for n in (number, page or "0")):
            await acknowledge(query, say("telegram.follow_gone"))
        elif kind == "follow":
            await self._press_follow(query, shown, int(number[:15]), say)
        elif kind == "followed":
            await acknowledge(query)
            origin = self.supergroups.origin(query.from_user.id)
            after = await asyncio.to_thread(self._page, shown, origin, int(number[:9]), say)
            await replace_pressed(query, after)
        else:
            await self._press_followed(query, shown, kind, value, say)

    async def _press_follow(
        self, query: CallbackQuery, shown: TelegramMessage, number: int, say: Texts
    ) -> None:
        for chat in self.supergroups.numbers(shown.chat_id):
            if await asyncio.to_thread(self.answer_log.answer, (chat, number)):
                break
        key, person = (chat, number), query.from_user.id
        reply = await asyncio.to_thread(self._follow_answer, key, shown, person, say)
        if reply.rows:
            await acknowledge(query)
            await deliver(shown, [reply])
        else:
            await acknowledge(query, reply.plain)

    async def _press_followed(
        self, query: CallbackQuery, shown: TelegramMessage, kind: str, value: str, say: Texts
    ) -> None:
        """End the following, or have its messages come at once, or once a day."""
        number, _, page = value.partition(":")
        follow = await asyncio.to_thread(self.follows.get, int(number[:15]))
        person = self.supergroups.origin(query.from_user.id)
        if follow is None:
            await acknowledge(query, say("telegram.follow_gone"))
            return
        if person != follow.person and person not in self.answering.unlimited:
            await acknowledge(query, say("telegram.follow_not_yours"))
            return
        question = shortened(follow.question)
        if kind in ("daily", "once"):
            is_daily = kind == "daily"
            change = self.follows.set_daily
            await asyncio.to_thread(change, follow.id, self.clock(), daily=is_daily)
            self.wake()
            changed = await asyncio.to_thread(self.follows.get, follow.id)
            after = confirmation(changed or follow, say)
        else:
            await asyncio.to_thread(self.follows.end, follow.id)
            after = text_message(say("telegram.follow_ended", question=question))
        ends_below_notice = kind == "stop"
        await acknowledge(query, after.plain if ends_below_notice else "")
        if page:
            after = await asyncio.to_thread(self._page, shown, person, int(page[:9]), say)
        if not ends_below_notice:
            await replace_pressed(query, after)

    def _page(self, message: TelegramMessage, person: int, page: int, say: Texts) -> Message:
        if message.chat.type == message.chat.PRIVATE:
            return followed_page(self.follows.of_person(person), page, say, own=True)
        chat = self.supergroups.origin(message.chat_id)
        return followed_page(self.follows.in_chat(chat), page, say, own=False)

    def _answer_key(self, message: TelegramMessage, reply: int) -> _Key | None:
        """The key of the answer that a message of the bot is part of."""
        chats = self.supergroups.numbers(message.chat_id)
        keys = (self.answer_log.question_of(chat, reply) for chat in chats)
        return next((key for key in keys if key and self.answer_log.answer(key)), None)

    def _follow_answer(
        self, key: _Key, message: TelegramMessage, person: int, say: Texts
    ) -> Message:
        answer = self.answer_log.answer(key)
        if answer is None:
            return text_message(say("telegram.vote_gone"))
        if not has_follow(Intent(answer["intent"]), answer["query"]):
            return text_message(say("telegram.follow_impossible"))
        return self._added(Asked.of(answer), key, message, person, say)

    def _follow_question(
        self, question: Question, message: TelegramMessage, person: int, say: Texts
    ) -> Message:
        if not is_followable(question, *self.answering.chain.intent(question)):
            return text_message(say("telegram.follow_impossible"))
        return self._added(Asked(question.text), None, message, person, say)

    def _added(
        self, asked: Asked, key: _Key | None, message: TelegramMessage, person: int, say: Texts
    ) -> Message:
        origin, topic = self.supergroups.origin, topic_of(message)
        to = Destination(
            origin(message.chat_id), topic, bool(topic) and not message.is_topic_message
        )
        run = (asked.generation and self.runs.of(asked.generation)) or self.runs.last
        follow = Follow(
            to, origin(person), asked.question, say.language, self.clock(), run, asked.last
        )
        added = self.follows.add(follow, self.embedder, self.most, key)
        if added is Refusal.KNOWN:
            return text_message(say("telegram.follow_known"))
        if added is Refusal.TOO_MANY:
            return text_message(say("telegram.follow_too_many", most=self.most))
        self.wake()
        return confirmation(added, say)
