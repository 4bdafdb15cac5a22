"""Answers a message that holds a question."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from telegram import Message as TelegramMessage
from telegram.error import TelegramError

from bot.access import Allowance, Supergroups
from bot.conversations import Conversations
from bot.locales import Texts
from bot.queue import AnswerQueue, CrowdedError
from bot.smalltalk import small_talk_reply
from bot.telegram.buttons import answer_buttons
from bot.telegram.messages import Message, answer_messages, draft_text, text_message
from bot.telegram.requests import is_closed
from bot.telegram.sending import Replies, deliver, typing
from bot.telegram.updates import ephemeral_number, person_of, topic_of
from index.errors import VirgoletteError
from index.generations.current import CurrentIndex
from retrieval.answer import MAX_QUESTION, Answer, Intent, Question, QuestionError, Reason
from retrieval.chain import AnswerChain
from retrieval.writing.options import AnswerOptions

_PAUSE = 1.0  # seconds between drafts; Telegram takes about one message a second in a chat
_GROUP_PAUSE = 4.0  # and twenty a minute in a group

_log = logging.getLogger(__name__)


class Asker(NamedTuple):
    """A chat, a person in it, and the topic of the chat, or 0; groups by their first numbers."""

    chat: int
    person: int
    topic: int


@dataclass(frozen=True)
class Drafts:
    """Shows the newest draft of an answer. A failure ends the drafts, not the answer.

    In a group the draft is the first of ``replies``: ``keep`` stores them when it is sent.
    """

    to: TelegramMessage
    say: Texts
    replies: list[int]
    keep: Callable[[list[int]], Awaitable[None]]
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _pending: asyncio.Queue[Answer] = field(default_factory=asyncio.Queue)
    _sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    def show(self, draft: Answer) -> None:
        """Take a newer draft, from any thread."""
        self._loop.call_soon_threadsafe(self._pending.put_nowait, draft)

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Show drafts during an ``async with``."""
        task = asyncio.create_task(self._show_all())
        try:
            yield
        finally:
            async with self._sending:  # a message that is sent must not be forgotten
                task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _show_all(self) -> None:
        private = self.to.chat.type == self.to.chat.PRIVATE
        try:
            while True:
                draft = await self._pending.get()
                while not self._pending.empty():
                    draft = self._pending.get_nowait()
                text = draft_text(draft, self.say)
                async with self._sending:
                    await (self._draft(text) if private else self._edit(text))
                await asyncio.sleep(_PAUSE if private else _GROUP_PAUSE)
        except TelegramError as error:
            if is_closed(error):  # the answer could not be sent either
                raise
            _log.info("no more drafts of an answer: %s", error)

    async def _draft(self, text: str) -> None:
        await self.to.get_bot().send_message_draft(
            self.to.chat_id,
            self.to.message_id,  # any number but 0, the same for all drafts of an answer
            text,
            message_thread_id=self.to.message_thread_id if self.to.is_topic_message else None,
        )

    async def _edit(self, text: str) -> None:
        sent = await deliver(self.to, [text_message(text)], self.replies[:1])
        if sent != self.replies[:1]:
            self.replies[:1] = sent
            await self.keep(self.replies)


@dataclass(frozen=True)
class Answering:
    """Replies to questions, and edits the replies when a question is edited."""

    chain: AnswerChain
    index: CurrentIndex
    replies: Replies
    conversations: Conversations
    queue: AnswerQueue
    allowance: Allowance
    supergroups: Supergroups
    unlimited: frozenset[int] = frozenset()
    _under_way: dict[asyncio.Task[Answer], Asker] = field(default_factory=dict)

    def asker(self, message: TelegramMessage, person: int | None = None) -> Asker:
        """Whoever wrote a message, unless it is somebody else who asks."""
        origin, who = self.supergroups.origin, person_of(message) if person is None else person
        return Asker(origin(message.chat_id), origin(who), topic_of(message))

    async def answer(
        self,
        message: TelegramMessage,
        raw: str,
        say: Texts,
        person: int | None = None,
        intent: Intent | None = None,
    ) -> None:
        """Answer the question in a message, or say why that is impossible.

        ``person``: who asks, unless it is the author of the message. ``intent``: what a command
        asks for.
        """
        asker = self.asker(message, person)
        keep = partial(self.replies.keep, message, asker.person, language=say.language)
        async with self.replies.turn(message) as replies:
            drafts = Drafts(message, say, replies, keep)
            async with typing(message, lambda: self.queue.crowded), drafts.shown():
                outcome = await self._outcome(asker, raw, say, drafts, intent)
            answer = outcome if isinstance(outcome, Answer) else None
            inline = message.get_bot().supports_inline_queries
            messages = _messages(outcome, message.message_id, say, inline=inline)
            if ephemeral_number(message) is not None:  # nothing is kept for its buttons
                messages = [shown.with_buttons() for shown in messages]
            await keep(replies, answer)  # before a button can be pressed
            sent = await self.replies.show(message, messages, replies, answer, say)
            if sent != replies:
                await keep(sent, answer)

    def cancel(self, asker: Asker) -> bool:
        """Give up the questions of somebody in a chat; whether there were any."""
        tasks = [t for t, whose in self._under_way.items() if whose == asker and not t.done()]
        for task in tasks:
            task.cancel()
        return bool(tasks)

    async def invoke(
        self, question: Question, options: AnswerOptions, person: int | None
    ) -> Answer:
        """The answer, in the turn of a person: see ``turn``. Raises what the chain raises, too."""
        async with self.turn(person):
            return await self.chain.ainvoke(question, options=options)

    @asynccontextmanager
    async def turn(self, person: int | None) -> AsyncIterator[None]:
        """A turn for one of the questions of a person; None: it was not counted.

        Raises CrowdedError, and counts it no longer, if too many are before it.
        """
        try:
            async with self.queue.turn():
                yield
        except CrowdedError:
            if person is not None:
                self.allowance.give_back(person)
            raise

    def wait(self, person: int) -> int:
        """Take one of the questions of a person; the minutes to wait if there is none left."""
        is_free = person in self.unlimited
        return 0 if is_free else math.ceil(self.allowance.take(person) / 60)

    async def _outcome(
        self, asker: Asker, raw: str, say: Texts, drafts: Drafts, intent: Intent | None
    ) -> Answer | str:
        """The answer, or the text that is sent instead of one."""
        try:
            previous = self.conversations.recall(asker)
            question = Question.parse(raw, previous=previous, intent=intent)
        except QuestionError as error:
            return say(f"problem.{error.problem}", limit=MAX_QUESTION)
        is_free = asker.person in self.unlimited
        try:
            is_free = is_free or await asyncio.to_thread(self.chain.is_talk, question)
            if minutes := 0 if is_free else self.wait(asker.person):
                return say("problem.too_many", minutes=minutes)
            counted = None if is_free else asker.person
            answer = await self._cancellable_answer(asker, question, drafts, counted)
        except CrowdedError:
            return say("problem.busy")
        except VirgoletteError as error:
            _log.error("no answer: %s", error)
            return say("problem.failed")
        if answer is None:
            return say("telegram.cancelled")
        if answer.reason is Reason.TALK:
            return await asyncio.to_thread(small_talk_reply, answer, self.index, say)
        self.conversations.remember(asker, answer)
        return answer

    async def _cancellable_answer(
        self, asker: Asker, question: Question, drafts: Drafts, counted: int | None
    ) -> Answer | None:
        """The answer, or None where the asker has cancelled it."""
        options = AnswerOptions(person=str(asker.person), show=drafts.show)
        task = asyncio.create_task(self.invoke(question, options, counted))
        self._under_way[task] = asker
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            options.given_up.set()
            del self._under_way[task]
        return None if task.cancelled() else task.result()


def _messages(outcome: Answer | str, number: int, say: Texts, *, inline: bool) -> list[Message]:
    """The messages that reply to the message with this number."""
    if isinstance(outcome, str):
        return [text_message(outcome)]
    *messages, last = answer_messages(outcome, say)
    return [*messages, last.with_buttons(*answer_buttons(outcome, number, say, inline=inline))]
