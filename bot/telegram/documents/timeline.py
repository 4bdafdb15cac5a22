"""Sends a timeline as a document: what the button below it does."""

from __future__ import annotations

import asyncio
import datetime
import logging
from dataclasses import dataclass, replace

from telegram import CallbackQuery
from telegram import Message as TelegramMessage

from bot.documents.timeline import timeline_file_name, timeline_markdown
from bot.locales import Texts
from bot.queue import CrowdedError
from bot.telegram.answering import Answering
from bot.telegram.sending import acknowledge, send_document
from index.errors import VirgoletteError
from retrieval.answer import Answer, Intent, Question
from retrieval.writing.options import AnswerOptions

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TimelineDocuments:
    """Makes the timeline again, all of it, and sends it as a file."""

    answering: Answering

    async def press(
        self, query: CallbackQuery, shown: TelegramMessage, number: str, say: Texts
    ) -> None:
        """The button below the answer to the message with this number."""
        person = self.answering.asker(shown, query.from_user.id).person
        topic = await self._topic(shown.chat_id, number)
        wait = self.answering.wait(person) if topic else 0
        if topic is None or wait:
            problem = say("problem.too_many", minutes=wait) if topic else say("telegram.vote_gone")
            await acknowledge(query, problem)
            return
        try:
            answer = await self._whole(topic, person)
        except (CrowdedError, VirgoletteError) as error:
            _log.warning("no document: %s", error)
            is_crowded = isinstance(error, CrowdedError)
            await acknowledge(query, say("problem.busy" if is_crowded else "problem.failed"))
            return
        await acknowledge(query, "" if answer.quotes else say("telegram.page_gone"))
        if answer.quotes:
            text = timeline_markdown(answer, say, datetime.date.today())
            await send_document(shown, timeline_file_name(answer), text.encode())

    async def _topic(self, chat: int, number: str) -> str | None:
        """What the timeline was searched with; None if it is unknown or too old."""
        if not (number.isascii() and number.isdecimal() and len(number) < 16):
            return None
        log, origin = self.answering.replies.answer_log, self.answering.supergroups.origin(chat)
        for key in dict.fromkeys(((chat, int(number)), (origin, int(number)))):
            if answer := await asyncio.to_thread(log.answer, key):
                return str(answer["query"])
        return None

    async def _whole(self, topic: str, person: int) -> Answer:
        question = replace(Question(topic), intent=Intent.TIMELINE, whole=True)
        return await self.answering.invoke(question, AnswerOptions(written=False), person)
