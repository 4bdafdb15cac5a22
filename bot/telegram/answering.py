"""From a message with a question to the messages that answer it."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from telegram import Message as TelegramMessage
from telegram.error import TelegramError

from bot.access import Allowance
from bot.conversations import Conversations
from bot.locales import Texts
from bot.queue import AnswerQueue, CrowdedError
from bot.smalltalk import talk, talked_back
from bot.state import AnswerLog
from bot.telegram.buttons import answer_rows
from bot.telegram.messages import (
    LONGEST_MESSAGE,
    Message,
    answer_messages,
    clean,
    text_message,
    utf16_length,
)
from bot.telegram.sending import deliver, typing
from index.errors import StorageError, VirgoletteError
from index.generations.current import CurrentIndex
from retrieval.answer import MAX_QUESTION, Answer, Question, QuestionError
from retrieval.chain import AnswerChain
from retrieval.writing.options import AnswerOptions

_log = logging.getLogger(__name__)
Who = tuple[int, int]  # a chat, and a person in it
PAUSE = 1.0  # seconds between two drafts; Telegram takes about a message a second in a chat
GROUP_PAUSE = 4.0  # and twenty a minute in a group
_log = logging.getLogger(__name__)


@dataclass
class Drafts:
    """Shows the newest draft. What goes wrong with one is the end of them, not of the answer.

    ``placed``: is told the message that stands for the answer until it is there, in a group.
    """

    to: TelegramMessage
    say: Texts
    before: list[int]
    placed: Callable[[list[int]], Awaitable[None]]
    _newest: Answer | None = None
    _come: asyncio.Event = field(default_factory=asyncio.Event)
    _sending: asyncio.Lock = field(default_factory=asyncio.Lock)

    def show(self, draft: Answer) -> None:
        """A newer one, on the event loop."""
        self._newest = draft
        self._come.set()

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[None]:
        """Show drafts for the length of an ``async with``."""
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
                await self._come.wait()
                self._come.clear()
                if self._newest is not None:
                    text = draft_text(self._newest, self.say)
                    async with self._sending:
                        await (self._draft(text) if private else self._edit(text))
                await asyncio.sleep(PAUSE if private else GROUP_PAUSE)
        except TelegramError as error:
            _log.info("no more drafts of an answer: %s", error)

    async def _draft(self, text: str) -> None:
        await self.to.get_bot().send_message_draft(
            self.to.chat_id,
            self.to.message_id,  # any number but 0, the same for one answer
            text,
            message_thread_id=self.to.message_thread_id if self.to.is_topic_message else None,
        )

    async def _edit(self, text: str) -> None:
        replies = await deliver(self.to, [text_message(text)], self.before[:1])
        if replies != self.before[:1]:
            self.before[:1] = replies
            await self.placed(self.before)


def draft_text(draft: Answer, say: Texts) -> str:
    """The claims so far, and that more may come; as much as fits a message."""
    lines = [*(clean(claim.cited) for claim in draft.claims), say("answer.writing")]
    while len(lines) > 1 and utf16_length("\n".join(lines)) > LONGEST_MESSAGE:
        lines.pop(0)
    return "\n".join(lines)


@dataclass(frozen=True)
class Answering:
    """Answers messages: each with one reply, and an edited one by editing that reply."""

    chain: AnswerChain
    index: CurrentIndex
    answer_log: AnswerLog
    conversations: Conversations
    queue: AnswerQueue
    allowance: Allowance
    unlimited: frozenset[int] = frozenset()
    _locks: WeakValueDictionary[Who, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    _under_way: defaultdict[Who, set[asyncio.Task[Answer]]] = field(
        default_factory=lambda: defaultdict(set)
    )

    async def answer(
        self, message: TelegramMessage, raw: str, say: Texts, person: int | None = None
    ) -> None:
        """Answer what is asked in a message, or say why that cannot be.

        ``person``: who asks, unless it is who wrote the message.
        """
        who = (message.chat_id, person_of(message) if person is None else person)
        place = (message.chat_id, message.message_id)
        lock = self._locks.setdefault(place, asyncio.Lock())
        async with lock:  # an edit waits for the answer that it changes
            before = await self._before(place)

            async def placed(replies: list[int]) -> None:
                await self._keep(place, who[1], replies, None)

            drafts = Drafts(message, say, before, placed)
            async with typing(message, lambda: self.queue.crowded), drafts.shown():
                messages, answer = await self._found(message, who, raw, say, drafts)
            await self._keep(place, who[1], before, answer)  # before a button can be pressed
            replies = await deliver(message, messages, before)
            if replies != before:
                await self._keep(place, who[1], replies, answer)

    def cancel(self, who: Who) -> bool:
        """Give up what somebody has asked in a chat; whether there was anything."""
        tasks = [task for task in self._under_way[who] if not task.done()]
        for task in tasks:
            task.cancel()
        return bool(tasks)

    async def asked(self, question: Question, options: AnswerOptions) -> Answer:
        """The answer, when its turn comes. Raises CrowdedError, and what the chain raises."""
        async with self.queue.turn():
            return await self.chain.ainvoke(question, options=options)

    async def _found(
        self, message: TelegramMessage, who: Who, raw: str, say: Texts, drafts: Drafts
    ) -> tuple[list[Message], Answer | None]:
        """What to say, and the answer if that is one."""
        if said := talk(raw):
            return [text_message(await asyncio.to_thread(talked_back, said, self.index, say))], None
        try:
            question = Question.parse(raw, previous=self.conversations.recall(who))
        except QuestionError as error:
            return [text_message(say(f"problem.{error.problem}", limit=MAX_QUESTION))], None
        wait = 0.0 if who[1] in self.unlimited else self.allowance.take(who[1])
        if wait:
            minutes = math.ceil(wait / 60)
            return [text_message(say("problem.too_many", minutes=minutes))], None
        try:
            answer = await self._cancellable(who, question, drafts)
        except CrowdedError:
            self.allowance.give_back(who[1])
            return [text_message(say("problem.busy"))], None
        except VirgoletteError as error:
            _log.error("no answer: %s", error)
            return [text_message(say("problem.failed"))], None
        if answer is None:
            return [text_message(say("telegram.cancelled"))], None
        self.conversations.remember(who, answer)
        messages = answer_messages(answer, say)
        rows = answer_rows(answer, message.message_id, say)
        return [*messages[:-1], messages[-1].with_buttons(*rows)], answer

    async def _cancellable(self, who: Who, question: Question, drafts: Drafts) -> Answer | None:
        """The answer, or None where whoever asked has given it up meanwhile."""
        loop = asyncio.get_running_loop()

        def show(draft: Answer) -> None:
            loop.call_soon_threadsafe(drafts.show, draft)

        options = AnswerOptions(person=str(who[1]), show=show)
        task = asyncio.create_task(self.asked(question, options))
        self._under_way[who].add(task)
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
            options.given_up.set()
            self._under_way[who].discard(task)
            if not self._under_way[who]:
                del self._under_way[who]
        return None if task.cancelled() else task.result()

    async def _before(self, place: tuple[int, int]) -> list[int]:
        """The messages with which this one was answered before: it may have been edited."""
        try:
            return await asyncio.to_thread(self.answer_log.replies, place) or []
        except StorageError as error:
            _log.error("%s", error)
            return []

    async def _keep(
        self, place: tuple[int, int], person: int, replies: list[int], answer: Answer | None
    ) -> None:
        try:
            await asyncio.to_thread(self.answer_log.keep, place, person, replies, answer)
        except StorageError as error:  # the answer is there: its buttons will say that it is not
            _log.error("%s", error)


def person_of(message: TelegramMessage) -> int:
    """The number of whoever wrote a message; of the chat, where that is who speaks."""
    return message.from_user.id if message.from_user else message.chat_id
