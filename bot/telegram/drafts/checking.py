"""/verify with a document, or with a message of several quotations: the draft is checked.

Nothing of a draft is written to the disk. The pages of its list stay in memory until others take
their place, so that they can be turned.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from telegram import CallbackQuery, Document
from telegram import Message as TelegramMessage
from telegram.error import BadRequest

from bot.drafts.report import problem
from bot.locales import Texts
from bot.queue import CrowdedError
from bot.telegram.answering import Answering
from bot.telegram.drafts.messages import review_pages
from bot.telegram.messages import Message, shortened, text_message
from bot.telegram.requests import persistently
from bot.telegram.sending import acknowledge, replace_pressed, typing
from bot.telegram.updates import file_name
from retrieval.verifying.claim import MAX_CLAIM
from retrieval.verifying.drafts.draft import quotations
from retrieval.verifying.drafts.reading import MAX_FILE, Draft, read_draft, too_large
from retrieval.verifying.drafts.review import review_in
from retrieval.verifying.outcome import ClaimError

MIN_QUOTATIONS = 3  # of a message, to be a draft rather than a sentence
_MAX_KEPT = 100  # drafts whose pages can be turned

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DraftChecks:
    """Checks drafts. The pages of each are kept with the number of whoever sent it."""

    answering: Answering
    _kept: OrderedDict[tuple[int, int], tuple[int, list[Message]]] = field(
        default_factory=OrderedDict
    )

    async def check_document(self, to: TelegramMessage, document: Document, say: Texts) -> None:
        """Reply with the list of what the document quotes, or why that is impossible."""
        name = shortened(file_name(document.file_name or ""))
        try:
            async with typing(to):
                data = await _content(document, name)
        except ClaimError as error:
            await self._put(to, [text_message(problem(error, say))])
        else:
            await self._check(to, lambda: read_draft(data, name), say)

    async def check_text(self, to: TelegramMessage, text: str, say: Texts) -> None:
        """Reply with the list of what a message quotes."""
        await self._check(to, lambda: Draft(text), say)

    async def turn(
        self, query: CallbackQuery, shown: TelegramMessage, value: str, say: Texts
    ) -> None:
        """Show another page: ``value`` is its number and that of the message with the draft."""
        page, _, number = value.partition(":")
        kept = self._kept.get((shown.chat_id, int(number))) if number.isdecimal() else None
        after = (
            kept[1][int(page)] if kept and page.isdecimal() and int(page) < len(kept[1]) else None
        )
        await acknowledge(query, "" if after else say("telegram.draft_gone"))
        if after:
            await replace_pressed(query, after)

    def forget(self, person: int) -> None:
        """Forget the drafts that a person has sent."""
        for key in [key for key, (sender, _) in self._kept.items() if sender == person]:
            del self._kept[key]

    async def _check(self, to: TelegramMessage, read: Callable[[], Draft], say: Texts) -> None:
        asker = self.answering.asker(to)
        if minutes := self.answering.wait(asker.person):
            await self._put(to, [text_message(say("problem.too_many", minutes=minutes))])
            return
        try:
            async with typing(to), self.answering.turn(asker.person):
                pages = await asyncio.to_thread(self._pages, to.message_id, read, say)
        except ClaimError as error:
            pages = [text_message(problem(error, say))]
        except CrowdedError:
            pages = [text_message(say("problem.busy"))]
        if len(pages) > 1:
            self._kept[to.chat_id, to.message_id] = asker.person, pages
            while len(self._kept) > _MAX_KEPT:
                self._kept.popitem(last=False)
        await self._put(to, pages[:1])

    def _pages(self, number: int, read: Callable[[], Draft], say: Texts) -> list[Message]:
        index = self.answering.index
        return review_pages(index, review_in(index, read()), f"draft:{{}}:{number}", say)

    async def _put(self, to: TelegramMessage, messages: list[Message]) -> None:
        await self.answering.replies.put(to, messages)


def is_draft(text: str) -> bool:
    """Whether a text is a draft rather than one sentence: by its quotations, and its length."""
    count = len(quotations(text))
    return count >= (1 if len(text) > MAX_CLAIM else MIN_QUOTATIONS)


def document_of(message: TelegramMessage) -> Document | None:
    """The document of a message, or else of the one that it replies to."""
    replied = message.reply_to_message or message.external_reply
    return message.document or (replied.document if replied and not message.quote else None)


async def _content(document: Document, name: str) -> bytes:
    """The bytes of a document, in memory. Raises ClaimError: Telegram hands out no such file."""
    if (document.file_size or 0) > MAX_FILE:
        raise too_large(name)
    try:
        file = await persistently(document.get_file)
        if (file.file_size or 0) > MAX_FILE:
            raise too_large(name)
        return bytes(await persistently(file.download_as_bytearray))
    except BadRequest as error:
        _log.info("a draft is not handed out: %s", error)
        if "too big" in str(error).lower():
            raise too_large(name) from error
        raise ClaimError("unreadable", f"Telegram: {error}") from error
