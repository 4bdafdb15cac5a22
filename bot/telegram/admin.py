"""Handles the commands of the admins: status, and adding and removing articles."""

from __future__ import annotations

import asyncio
import logging
import re
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from telegram import Message, Update
from telegram.ext import ContextTypes

from bot.captions import moment_in_words, not_one_article
from bot.chat_model import spent_of
from bot.feeds.report import health
from bot.feeds.store import Feed, followed_feeds
from bot.indexing import COUNTED, CommandResult, run_command
from bot.listing import article_by_key, article_key, find_article
from bot.locales import Texts
from bot.settings import Settings
from bot.state import State
from bot.status import health_of, index_status
from bot.telegram.messages import Block, Button, article_block, packed, shortened, text_message
from bot.telegram.sending import Replies, acknowledge, replace_pressed, typing
from bot.telegram.updates import command_of, file_name, message_of, text_of, texts_of
from index.generations.current import CurrentIndex

ADDRESS = re.compile(r"https?://\S+")
_DIGITS = 8  # of a digest
_MOST_FEEDS = 20  # in /status
_ENDING = ("togli", "remove")
_MAX_DOWNLOAD = 20_000_000  # bytes of a file that Telegram hands to a bot
_WRITER_WAIT = "600"  # seconds for another process that writes
_REMOVE_DATA = re.compile(r"remove:([0-9a-f]{8}:[0-9a-f]{8})")
_CAPTION_OPTIONS = {
    "title": "title", "titolo": "title", "source": "source", "fonte": "source", "date": "date",
    "data": "date", "url": "url", "language": "language", "lingua": "language",
}  # fmt: skip

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Admin:
    """The handlers of the admins' commands: only their messages get here."""

    index: CurrentIndex
    state: State
    settings: Settings
    replies: Replies

    async def status(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/status: what is indexed, and how the bot is."""
        lines = await asyncio.to_thread(self._status_lines, self._texts(update))
        shown = packed([Block.words(shortened(line)) for line in lines])
        await self.replies.put(message_of(update), shown)

    async def reindex(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/reindex: bring the index up to date with the corpus."""
        message, say = message_of(update), self._texts(update)
        async with typing(message):
            result = await run_command("index", "--json", "--wait", _WRITER_WAIT)
        if result.code:
            await self._say(message, _failure(result, say))
        else:
            counts = {name: len(result.output.get(name, [])) for name in COUNTED}
            await self._say(message, say("admin.indexed", **counts))

    async def add(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/add address, or a message that is an address: adds its article; or with a document."""
        message, say = message_of(update), self._texts(update)
        if message.document:
            await self.document(update, context)
            return
        address = ADDRESS.search(text_of(message))
        if address is None:
            await self._say(message, say("admin.add_usage"))
            return
        async with typing(message):
            result = await run_command("add", "--json", "--", address[0])
        await self._say(message, _addition(result, address[0], address[0], say))

    async def document(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A document: an article for the corpus. Its caption may give source, title, date, url."""
        message, say = message_of(update), self._texts(update)
        document = message.document
        if document is None:
            raise ValueError("a message without a document")
        name = file_name(document.file_name or "")
        if (document.file_size or 0) > min(_MAX_DOWNLOAD, self.settings.max_file_bytes):
            await self._say(message, say("admin.too_large", name=shortened(name)))
            return
        options = _caption_options(command_of(message)[1] or message.caption or "")
        async with typing(message):
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / name
                await (await document.get_file()).download_to_drive(file)
                result = await run_command("add", "--json", *options, "--", str(file))
        await self._say(message, _addition(result, str(file), name, say))

    async def remove(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/remove and what names an article: shows it, with a button that removes it."""
        message, say = message_of(update), self._texts(update)
        name = command_of(message)[1]
        if not name:
            await self._say(message, say("admin.remove_usage"))
            return
        found = await asyncio.to_thread(find_article, self.index, name)
        if (article := found.article) is None:
            await self._say(message, not_one_article(found, name, say))
            return
        button = Button(say("admin.remove"), f"remove:{article_key(article.path, article.sha256)}")
        shown = packed([article_block(article, f"{found.matches[0].number}. ")])[0]
        await self.replies.put(message, [shown.with_buttons([button])])

    async def pressed(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """The button of /remove."""
        query, say = update.callback_query, self._texts(update)
        if query is None:
            raise ValueError("a button without a query")
        is_admin = query.from_user.id in self.settings.telegram_admins
        match = _REMOVE_DATA.fullmatch(query.data or "") if is_admin else None
        article = await asyncio.to_thread(article_by_key, self.index, match[1]) if match else None
        if article is None:
            await acknowledge(query, say("telegram.page_gone"))
            return
        await acknowledge(query)
        result = await run_command("remove", "--json", "--", article.path)
        removed = say("admin.removed", path=shortened(article.path))
        text = _failure(result, say) if result.code else removed
        await replace_pressed(query, text_message(text))

    async def feed(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/feed: lists the feeds; an address adds one, "togli" and a number remove one."""
        message, say = message_of(update), self._texts(update)
        words = command_of(message)[1].split()
        if not words:
            blocks = await asyncio.to_thread(self._feed_blocks, say)
            await self.replies.put(message, packed([*blocks, Block.words(say("admin.feed_usage"))]))
        elif words[0].lower() in _ENDING and len(words) == 2:
            result = await run_command("feeds", "remove", "--json", "--", words[1])
            await self._say(message, _feed_outcome(result, "removed", "admin.feed_removed", say))
        elif len(words) == 1:
            async with typing(message):
                result = await run_command("feeds", "add", "--json", "--", words[0])
            known = _feed_outcome(result, "there", "admin.feed_there", say)
            added = _feed_outcome(result, "added", "admin.feed_added", say)
            await self._say(message, added or known)
        else:
            await self._say(message, say("admin.feed_usage"))

    def _feed_blocks(self, say: Texts) -> list[Block]:
        blocks = []
        for feed in followed_feeds(self.settings.data_dir):
            blocks.append(Block.bold(f"{feed.number}. {shortened(feed.name)}"))
            blocks.append(Block.words(shortened(feed.url)))
            blocks += [Block.words(shortened(say.translated(line))) for line in health(feed)]
        return blocks or [Block.words(say("admin.no_feeds"))]

    async def _say(self, to: Message, text: str) -> None:
        await self.replies.put(to, [text_message(text)])

    def _status_lines(self, say: Texts) -> list[str]:
        index, health = index_status(self.settings), health_of(self.state)
        if index["generation"]:
            names = ["status.index", "status.counts", "status.model", "status.folders"]
        else:
            names = ["status.no_index", "status.folders"]
        if not index["calibrated"]:
            names.append("status.uncalibrated")
        if index["generation"]:
            created = datetime.fromisoformat(index["created"])
            index |= {"created": moment_in_words(created, say), "model": _short(index["model"])}
        lines = [say(name, **index) for name in names]
        handled = health.handled
        last = moment_in_words(datetime.fromtimestamp(handled, UTC), say) if handled else "–"
        bot = {"last": last, "waiting": health.waiting, "errors": health.errors}
        lines.append(say("status.bot", **bot))
        lines.append(say("status.follows", count=health.follows, queued=health.queued))
        if self.settings.chat_model:
            spent = spent_of(self.state, self.settings.chat_price)
            last, today = map(say.translated, map(spent.describe, (spent.last, spent.today)))
            costs = {"last": last, "today": today}
            lines.append(say("status.chat", model=self.settings.chat_model, **costs))
        return [*lines, *_feed_states(followed_feeds(self.settings.data_dir), say)]

    def _texts(self, update: Update) -> Texts:
        return texts_of(update, self.settings.language)


def _feed_states(feeds: list[Feed], say: Texts) -> list[str]:
    """A line on each feed, first of all on those with an error."""
    ordered = sorted(feeds, key=lambda feed: not feed.error)
    lines = [
        say("status.feed", name=feed.name, state="; ".join(map(say.translated, health(feed))))
        for feed in ordered[:_MOST_FEEDS]
    ]
    left = len(ordered[_MOST_FEEDS:])
    return [*lines, say("status.feeds_more", count=left)] if left else lines


def _feed_outcome(result: CommandResult, name: str, text: str, say: Texts) -> str:
    if result.code:
        return _failure(result, say)
    feed = result.output.get(name)
    return say(text, name=shortened(feed["title"] or feed["url"])) if feed else ""


def _short(model: str) -> str:
    """The name of a model with the first digits of the digest behind it, if there is one."""
    name, _, digest = model.rpartition(":")
    return f"{name} ({digest[:_DIGITS]})" if name and len(digest) > _DIGITS else model


def _caption_options(caption: str) -> list[str]:
    """The options of `virgolette add` in lines such as "fonte: AgenPress"."""
    options = []
    for line in caption.splitlines():
        name, colon, value = line.partition(":")
        if colon and (option := _CAPTION_OPTIONS.get(name.strip().lower())):
            options += [f"--{option}", value.strip()]
    return options


def _addition(result: CommandResult, target: str, name: str, say: Texts) -> str:
    """Whether something was added, in words. ``name``: what the user calls the target."""
    outcomes = {
        "added": "admin.added",
        "changed": "admin.changed",
        "unchanged": "admin.unchanged",
        "withdrawn": "admin.withdrawn",
        "known": "admin.known",
    }
    for outcome, sentence in outcomes.items():
        if articles := result.output.get(outcome):
            paths = ", ".join(str(article["path"]) for article in articles)
            text = say(sentence, path=shortened(paths))
            return f"{text}\n{_failure(result, say)}" if result.code else text
    _log.warning("not added: %s", result.complaint)
    reason = result.complaint
    for beginning in (f"{target} was not added: ", f"{target} was not fetched: "):
        reason = reason.removeprefix(beginning)
    reason = shortened(say.translated(reason.replace(target, name)))
    return say("admin.not_added", origin=shortened(name), reason=reason)


def _failure(result: CommandResult, say: Texts) -> str:
    return say("admin.failed", reason=shortened(say.translated(result.complaint)))
