"""Collects quotations: the button 📌 below answers, and /export, which sends them as files."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from telegram import CallbackQuery
from telegram import Message as TelegramMessage

from bot.documents.collection import MAX_COLLECTED, Collection, Owner
from bot.documents.receipt import receipt_markdown, receipt_name
from bot.locales import Texts
from bot.telegram.answering import Answering
from bot.telegram.buttons import shared_quotation
from bot.telegram.messages import Button, text_message
from bot.telegram.sending import acknowledge, deliver, send_document
from index.text.sentences import Span
from retrieval.answer import Quotation
from retrieval.answering.quotations import slice_of
from retrieval.verifying.receipts.record import Record, receipt_of

_EMPTY = "empty"


@dataclass(frozen=True)
class Collecting:
    """Keeps quotations for whoever presses the button, in that chat and topic."""

    answering: Answering
    collection: Collection

    async def press(
        self, query: CallbackQuery, shown: TelegramMessage, value: str, say: Texts
    ) -> None:
        """The button of an answer, of a quotation, or the one that empties the collection."""
        owner = self._owner(shown, query.from_user.id)
        if value == _EMPTY:
            await asyncio.to_thread(self.collection.empty, owner)
            await acknowledge(query, say("export.emptied"), alert=False)
            return
        quotes = await asyncio.to_thread(self._quotations, shown.chat_id, value)
        if not quotes:
            await acknowledge(
                query, say("telegram.vote_gone" if quotes is None else "telegram.page_gone")
            )
            return
        await acknowledge(
            query, await asyncio.to_thread(self._keep, owner, quotes, say), alert=False
        )

    async def export(self, message: TelegramMessage, say: Texts) -> None:
        """/export: the collection as Markdown and as CSL-JSON."""
        owner = self._owner(message, None)
        records = await asyncio.to_thread(self.collection.records, owner)
        if not records:
            await deliver(message, [text_message(say("export.nothing"))])
            return
        day = datetime.date.today()
        text = receipt_markdown(records, say).encode(errors="replace")
        await send_document(message, receipt_name(day, ".md"), text)
        caption = text_message(say("export.sent", count=len(records)))
        below = caption.with_buttons([Button(say("export.empty"), f"keep:{_EMPTY}")])
        await send_document(message, receipt_name(day, ".json"), receipt_of(records), below)

    def _owner(self, message: TelegramMessage, person: int | None) -> Owner:
        asker = self.answering.asker(message, person)
        return Owner(asker.chat, asker.topic, asker.person)

    def _keep(self, owner: Owner, quotes: Sequence[Quotation], say: Texts) -> str:
        """Keep quotations; what to say of it."""
        today = datetime.date.today()
        kept = self.collection.keep(owner, [Record(quote, today) for quote in quotes])
        if kept.left_out:
            return say("export.full", added=kept.added, most=MAX_COLLECTED)
        return say("export.kept" if kept.added else "export.known", count=kept.count)

    def _quotations(self, chat: int, value: str) -> list[Quotation] | None:
        """What the button of an answer, by the number of its question, or of a quotation keeps.

        None if the answer is unknown, or too old.
        """
        index = self.answering.index
        if not (value.isascii() and value.isdecimal() and len(value) < 16):
            quote = shared_quotation(index, value)
            return [quote] if quote else []
        origin, log = self.answering.supergroups.origin(chat), self.answering.replies.answer_log
        for key in dict.fromkeys(((chat, int(value)), (origin, int(value)))):
            if answer := log.answer(key):
                quotes = (_stored(self.answering, quote) for quote in answer["quotes"])
                return [quote for quote in quotes if quote]
        return None


def _stored(answering: Answering, quote: dict[str, Any]) -> Quotation | None:
    """A quotation of an answer as its article has it; None where that has changed meanwhile."""
    with answering.index.reading() as generation:
        article = generation.store.article(quote["article"]) if generation else None
    if article is None or article.sha256 != quote["sha256"]:
        return None
    return slice_of(article, Span(quote["start"], quote["end"]))
