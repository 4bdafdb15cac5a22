"""Inline mode: quotations offered while somebody writes to the bot in another chat."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field

from telegram import (
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
    LinkPreviewOptions,
    Update,
)
from telegram.constants import ParseMode
from telegram.error import TelegramError
from telegram.ext import ContextTypes

from bot.captions import source_line
from bot.locales import Texts, texts_for_user
from bot.queue import CrowdedError
from bot.telegram.answering import Answering
from bot.telegram.messages import quotation_message, shortened
from index.errors import VirgoletteError
from retrieval.answer import Answer, Question, QuestionError
from retrieval.writing.options import AnswerOptions

PAUSE = 0.5  # seconds without another letter, after which a question is taken for finished
SHORTEST = 4  # characters of a question
CACHED = 60  # seconds for which Telegram may offer the same again
LONGEST_TOLD = 64  # characters of the word above the results
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inline:
    """Offers the quotations that answer; one who goes on writing is answered for the last words."""

    answering: Answering
    language: str
    _newest: dict[int, int] = field(default_factory=dict)

    async def offer(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """An inline query."""
        query = update.inline_query
        if query is None:
            raise ValueError("an update without an inline query")
        person, number = query.from_user.id, update.update_id
        self._newest[person] = max(number, self._newest.get(person, 0))
        await asyncio.sleep(PAUSE)
        if self._newest.get(person, number) > number:
            return  # Telegram has given it up for the one that came after it
        try:
            say = texts_for_user(self.language, query.from_user.language_code)
            results, told = await self._found(query, say)
            await answer_inline(query, told, results)
        finally:
            if self._newest.get(person) == number:
                del self._newest[person]

    async def _found(
        self, query: InlineQuery, say: Texts
    ) -> tuple[list[InlineQueryResultArticle], str]:
        """What is offered, and in a few words why nothing is."""
        if len(query.query.strip()) < SHORTEST:
            return [], say("telegram.inline_hint")
        try:
            question = Question.parse(query.query)
        except QuestionError:
            return [], say("telegram.inline_hint")
        person, allowance = query.from_user.id, self.answering.allowance
        if person not in self.answering.unlimited and allowance.take(person):
            return [], say("telegram.inline_busy")
        try:
            answer = await self.answering.asked(question, AnswerOptions(written=False))
        except CrowdedError:
            allowance.give_back(person)
            return [], say("telegram.inline_busy")
        except VirgoletteError as error:
            _log.error("no answer: %s", error)
            return [], say("telegram.inline_busy")
        if answer.reason is not None:
            return [], say(f"answer.refused_{answer.reason.value}")
        return _results(answer, say), ""


def _results(answer: Answer, say: Texts) -> list[InlineQueryResultArticle]:
    messages = [quotation_message(answer, quote, say) for quote in answer.quotes]
    return [
        InlineQueryResultArticle(
            id=str(number),
            title=shortened(source_line(quote, say)),
            description=shortened(quote.text),
            input_message_content=InputTextMessageContent(
                message.markup, parse_mode=ParseMode.HTML, link_preview_options=_NO_PREVIEW
            ),
        )
        for number, (quote, message) in enumerate(zip(answer.quotes, messages, strict=True))
        if message is not None
    ]


async def answer_inline(
    query: InlineQuery, told: str, results: list[InlineQueryResultArticle] | None = None
) -> None:
    """Answer an inline query: with quotations, or with a word above none."""
    button = InlineQueryResultsButton(told[:LONGEST_TOLD], start_parameter="inline")
    try:
        await query.answer(
            results or [],
            cache_time=CACHED if results else 0,
            is_personal=True,  # in the person's own language, and not for everybody
            button=None if results else button,
        )
    except TelegramError as error:  # too late: the person has gone on writing
        _log.info("an inline query could not be answered: %s", error)
