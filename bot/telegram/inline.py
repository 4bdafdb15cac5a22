"""Inline and guest mode: quotations in chats of which the bot is no member.

Sources: https://core.telegram.org/bots/api#inline-mode and #answerguestquery.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from telegram import (
    InlineQuery,
    InlineQueryResultArticle,
    InlineQueryResultsButton,
    InputTextMessageContent,
    Update,
)
from telegram import Message as TelegramMessage
from telegram.constants import ParseMode
from telegram.error import TelegramError
from telegram.ext import ContextTypes

from bot.captions import refusal
from bot.listing import Reference
from bot.locales import Texts
from bot.queue import CrowdedError
from bot.smalltalk import small_talk_reply
from bot.telegram.answering import Answering
from bot.telegram.buttons import shared_quotation
from bot.telegram.messages import (
    Message,
    answer_messages,
    article_block,
    quotation_message,
    shortened,
    text_message,
)
from bot.telegram.sending import NO_PREVIEW
from bot.telegram.updates import (
    addressed,
    is_automatic,
    message_of,
    person_of,
    text_of,
    texts_of,
)
from index.errors import VirgoletteError
from index.text.clean import printable
from index.text.sentences import Span
from retrieval.answer import (
    MAX_QUESTION,
    Answer,
    Question,
    QuestionError,
    Quotation,
    Reason,
)
from retrieval.answering.highlights import marked_words
from retrieval.writing.options import AnswerOptions

_PAUSE = 0.5  # seconds without another letter, after which a question counts as finished
_MIN_QUESTION = 4  # characters
_CACHE_TIME = 60  # seconds for which Telegram may offer the same again
_MAX_NOTICE = 64  # characters of the button above the results

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Inline:
    """Offers the quotations that answer; of somebody who types on only the last query counts."""

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
        await asyncio.sleep(_PAUSE)
        if self._newest.get(person, number) > number:
            return  # Telegram has given it up for a newer one
        try:
            results, notice = await self._results(query, texts_of(update, self.language))
            await answer_inline(query, notice, results)
        finally:
            if self._newest.get(person) == number:
                del self._newest[person]

    async def _results(
        self, query: InlineQuery, say: Texts
    ) -> tuple[list[InlineQueryResultArticle], str]:
        """The quotations, or none and a few words that say why."""
        if len(query.query.strip()) < _MIN_QUESTION:
            return [], say("telegram.inline_hint")
        if Reference.parse(query.query):
            quote = await asyncio.to_thread(shared_quotation, self.answering.index, query.query)
            return _articles([(quote, [])], say) if quote else [], say("telegram.inline_gone")
        try:
            question = Question.parse(query.query)
        except QuestionError:
            return [], say("telegram.inline_hint")
        answer = await self._answer(query.from_user.id, question)
        if answer is None:
            return [], say("telegram.inline_busy")
        if answer.reason is not None:
            return [], refusal(answer, say)
        return _articles([(q, marked_words(answer, q)) for q in answer.quotes], say), ""

    async def guest(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """A message that summons the bot: one message answers it, and nothing is kept of it.

        A conversation is not kept either: it would carry over to another chat.
        """
        message, say = message_of(update), texts_of(update, self.language)
        if is_automatic(message):
            return  # two bots could go on for ever
        raw = addressed(message, context.bot)
        shown = await self._shown(person_of(message), text_of(message) if raw is None else raw, say)
        await answer_guest(message, shown)

    async def _shown(self, person: int, raw: str, say: Texts) -> Message:
        """The message that answers a question, or says why none does."""
        try:
            question = Question.parse(raw)
        except QuestionError as error:
            return text_message(say(f"problem.{error.problem}", limit=MAX_QUESTION))
        answer = await self._answer(person, question)
        if answer is None:
            return text_message(say("telegram.inline_busy"))
        if answer.reason is Reason.TALK:
            index = self.answering.index
            return text_message(await asyncio.to_thread(small_talk_reply, answer, index, say))
        return answer_messages(answer, say)[0]

    async def _answer(self, person: int, question: Question) -> Answer | None:
        """The answer, in the articles' words; None if there is none at the moment."""
        if self.answering.wait(person):
            return None
        try:
            return await self.answering.invoke(question, AnswerOptions(written=False), person)
        except CrowdedError:
            return None
        except VirgoletteError as error:
            _log.error("no answer: %s", error)
            return None


def _articles(
    quotes: Sequence[tuple[Quotation, Sequence[Span]]], say: Texts
) -> list[InlineQueryResultArticle]:
    """What can be sent: each quotation, with these words of it in bold."""
    messages = [quotation_message(quote, words, say) for quote, words in quotes]
    return [
        InlineQueryResultArticle(
            id=str(number),
            title=shortened(article_block(quote).plain),
            description=printable(shortened(quote.shown)),
            input_message_content=_content(message),
        )
        for number, ((quote, _), message) in enumerate(zip(quotes, messages, strict=True))
        if message is not None
    ]


async def answer_inline(
    query: InlineQuery, notice: str, results: Sequence[InlineQueryResultArticle] = ()
) -> None:
    """Answer an inline query with results, or with a notice where there are none."""
    button = InlineQueryResultsButton(notice[:_MAX_NOTICE], start_parameter="inline")
    try:
        await query.answer(
            list(results),
            cache_time=_CACHE_TIME if results else 0,
            is_personal=True,  # in the person's own language, and not for everybody
            button=None if results else button,
        )
    except TelegramError as error:  # too late: the person has typed on
        _log.info("an inline query could not be answered: %s", error)


async def answer_guest(to: TelegramMessage, message: Message) -> None:
    """Send the one message that may answer a message in guest mode."""
    result = InlineQueryResultArticle(
        id="1", title=shortened(message.plain), input_message_content=_content(message)
    )
    try:
        await to.answer_guest_query(result)
    except TelegramError as error:  # too late, or the message is gone
        _log.info("a guest message could not be answered: %s", error)


def _content(message: Message) -> InputTextMessageContent:
    return InputTextMessageContent(
        message.markup, parse_mode=ParseMode.HTML, link_preview_options=NO_PREVIEW
    )
