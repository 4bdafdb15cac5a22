"""What has changed in an article: what the button below it shows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from telegram import CallbackQuery
from telegram import Message as TelegramMessage

from bot.corrections.changes import Kind, Part
from bot.corrections.record import Record, moment_of, record_of, version_changes
from bot.listing import article_by_key
from bot.locales import Texts
from bot.telegram.messages import Block, Message, article_block, escaped, packed
from bot.telegram.sending import acknowledge, deliver
from index.generations.current import CurrentIndex
from index.text.clean import printable

_MOST = 20  # changes that are shown; `virgolette history` shows all
_MOST_PARTS = 50  # of a change
_MOST_ENTITIES = 95  # Telegram takes 100, one of which is the link of the title
_MAX_PART = 400  # characters of a part of a change
_MARKUP = {Kind.SAME: "{}", Kind.REMOVED: "<s>{}</s>", Kind.ADDED: "<b>{}</b>"}
_PLAIN = {Kind.SAME: "{}", Kind.REMOVED: "[-{}-]", Kind.ADDED: "{{+{}+}}"}


@dataclass(frozen=True)
class Histories:
    """Shows the history of articles. Raises StorageError."""

    index: CurrentIndex

    async def press(
        self, query: CallbackQuery, shown: TelegramMessage, key: str, say: Texts
    ) -> None:
        """The button below the article with this key, in its present version."""
        messages = await asyncio.to_thread(self._messages, key, say)
        await acknowledge(query, "" if messages else say("telegram.page_gone"))
        if messages:
            await deliver(shown, messages)

    def _messages(self, key: str, say: Texts) -> list[Message]:
        article = article_by_key(self.index, key)
        if article is None:
            return []
        record = record_of(self.index.data_dir, article.path, article)
        return packed([article_block(article, whole=True), *_fitting(_blocks(record, say))])[:1]


def _fitting(blocks: Iterator[Block]) -> Iterator[Block]:
    """The first blocks that together have no more entities than a message may have."""
    entities = 0
    for block in blocks:
        entities += block.markup.count("</")
        if entities > _MOST_ENTITIES:
            return
        yield block


def _blocks(record: Record, say: Texts) -> Iterator[Block]:
    left = _MOST
    if not record.versions:
        yield Block.words(say("chat.no_versions"))
    for version, after in record.steps():
        if not left:
            return
        yield Block.bold(say("chat.until", moment=moment_of(version.until, say)))
        found = list(version_changes(version, after))[:left]
        left -= len(found)
        yield from map(_change, found)
        if not found:
            yield Block.words(say("chat.only_marks"))


def _change(change: list[Part]) -> Block:
    """A change: what is gone is struck out, what is new is bold."""
    texts = [(part.kind, printable(_cut(part.text))) for part in change[:_MOST_PARTS]]
    markup = "".join(_MARKUP[kind].format(escaped(text)) for kind, text in texts)
    plain = "".join(_PLAIN[kind].format(text) for kind, text in texts)
    return Block(f"· {markup}", f"· {plain}")


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_PART else f"{text[:_MAX_PART]}…"
