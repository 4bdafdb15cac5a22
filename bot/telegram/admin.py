"""What those who administer the bot can do: look after it, and after its articles."""

from __future__ import annotations

import asyncio
import logging
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from telegram import Document, Update
from telegram.ext import ContextTypes

from bot.chat_model import spent_of
from bot.listing import article_at, article_key, article_keyed
from bot.locales import Texts, texts_for_user
from bot.settings import Settings
from bot.state import State
from bot.status import health_of, index_status
from bot.telegram.indexing import CommandResult, run_command
from bot.telegram.messages import Block, Button, article_block, packed, shortened, text_message
from bot.telegram.sending import acknowledge, deliver, turn, typing
from bot.telegram.updates import message_of
from index.generations.current import CurrentIndex

ADDRESS = re.compile(r"https?://\S+")
LARGEST = 20_000_000  # bytes of a file that Telegram hands to a bot
WAIT = "600"  # seconds for another process that writes
_REMOVING = re.compile(r"remove:(?P<key>[0-9a-f]{8}:[0-9a-f]{8})")
_FIELDS = {
    "title": "title", "titolo": "title", "source": "source", "fonte": "source", "date": "date",
    "data": "date", "url": "url", "language": "language", "lingua": "language",
}  # fmt: skip

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Admin:
    """The handlers of the admins' commands: nobody else's messages get here."""

    index: CurrentIndex
    state: State
    settings: Settings

    async def status(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/status: what is indexed, and how the bot is."""
        lines = await asyncio.to_thread(self._status, self._texts(update))
        await deliver(message_of(update), packed([Block.words(shortened(line)) for line in lines]))

    async def reindex(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/reindex: bring the index up to date with the corpus."""
        message, say = message_of(update), self._texts(update)
        async with typing(message):
            result = await run_command("index", "--json", "--wait", WAIT)
        await deliver(message, [text_message(_indexed(result, say))])

    async def add(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """/add address, or a message that is an address: its article goes into the corpus."""
        message, say = message_of(update), self._texts(update)
        address = ADDRESS.search(message.text or "")
        if address is None:
            await deliver(message, [text_message(say("admin.add_usage"))])
            return
        async with typing(message):
            result = await run_command("add", "--json", "--", address[0])
        await deliver(message, [text_message(_added(result, address[0], say))])

    async def document(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """A document: an article for the corpus. Its caption may tell source, title, date, url."""
        message, say = message_of(update), self._texts(update)
        document = message.document
        if document is None:
            raise ValueError("a message without a document")
        name = _file_name(document.file_name or "")
        if (document.file_size or 0) > min(LARGEST, self.settings.max_file_bytes):
            await deliver(message, [text_message(say("admin.too_large", name=shortened(name)))])
            return
        async with typing(message):
            result = await self._add_document(document, name, _fields(message.caption or ""))
        await deliver(message, [text_message(_added(result, name, say))])

    async def remove(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """/remove number: shows the article, with a button that removes it."""
        message, say = message_of(update), self._texts(update)
        told = (context.args or [""])[0]
        if not re.fullmatch(r"[0-9]{1,9}", told):
            await deliver(message, [text_message(say("admin.remove_usage"))])
            return
        article = await asyncio.to_thread(article_at, self.index, int(told))
        if article is None:
            await deliver(message, [text_message(say("chat.no_such_article", number=told))])
            return
        data = f"remove:{article_key(article.path, article.sha256)}"
        (shown, *_) = packed([article_block(article, f"{told}. ", say)])
        await deliver(message, [shown.with_buttons([Button(say("admin.remove"), data)])])

    async def pressed(self, update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        """The button of /remove."""
        query, say = update.callback_query, self._texts(update)
        if query is None:
            raise ValueError("a button without a query")
        is_admin = query.from_user.id in self.settings.telegram_admins
        told = _REMOVING.fullmatch(query.data or "") if is_admin else None
        article = await asyncio.to_thread(article_keyed, self.index, told["key"]) if told else None
        if article is None:
            await acknowledge(query, say("telegram.page_gone"))
            return
        await acknowledge(query)
        result = await run_command("remove", "--json", "--", article.path)
        if result.code == 0:
            await turn(query, text_message(say("admin.removed", path=shortened(article.path))))
        else:
            await turn(query, text_message(say("admin.failed", reason=shortened(result.complaint))))

    def _status(self, say: Texts) -> list[str]:
        told, health = index_status(self.settings), health_of(self.state)
        if told["generation"]:
            lines = [say("status.index", **told), say("status.counts", **told)]
            lines.append(say("status.model", **told))
        else:
            lines = [say("status.no_index")]
        lines.append(say("status.folders", **told))
        if not told["calibrated"]:
            lines.append(say("status.uncalibrated"))
        bot = {"last": health.last, "waiting": health.waiting, "errors": health.errors}
        lines.append(say("status.bot", **bot))
        if self.settings.chat_model:
            spent = spent_of(self.state, self.settings.chat_price)
            costs = {"last": spent.told(spent.last), "today": spent.told(spent.today)}
            lines.append(say("status.chat", model=self.settings.chat_model, **costs))
        return lines

    async def _add_document(
        self, document: Document, name: str, fields: list[str]
    ) -> CommandResult:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / name
            await (await document.get_file()).download_to_drive(file)
            return await run_command("add", "--json", *fields, "--", str(file))

    def _texts(self, update: Update) -> Texts:
        user = update.effective_user
        return texts_for_user(self.settings.language, user.language_code if user else None)


def _file_name(told: str) -> str:
    """A name that a file can have in a folder of ours, whatever somebody has called it."""
    name = re.sub(r"[^\w. -]", "_", told.rpartition("/")[2])
    stem, suffix = Path(name).stem.strip(". "), Path(name).suffix
    return f"{stem[:80] or 'articolo'}{suffix[:10] or '.txt'}"


def _fields(caption: str) -> list[str]:
    """The options of `virgolette add` in lines such as "fonte: AgenPress"."""
    options = []
    for line in caption.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip().lower() in _FIELDS:
            options += [f"--{_FIELDS[name.strip().lower()]}", value.strip()]
    return options


def _added(result: CommandResult, origin: str, say: Texts) -> str:
    """What became of something that was to be added, in words."""
    for state, text in (("added", "admin.added"), ("known", "admin.known")):
        if paths := [str(one["path"]) for one in result.output.get(state, [])]:
            told = say(text, path=shortened(paths[0]))
            return told if result.code == 0 else f"{told}\n{_failed(result, say)}"
    _log.warning("not added: %s", result.complaint)
    return say("admin.not_added", origin=shortened(origin), reason=_reason(result))


def _indexed(result: CommandResult, say: Texts) -> str:
    if result.code:
        return _failed(result, say)
    names = ("added", "changed", "renamed", "removed", "skipped")
    return say("admin.indexed", **{name: len(result.output.get(name, [])) for name in names})


def _failed(result: CommandResult, say: Texts) -> str:
    return say("admin.failed", reason=_reason(result))


def _reason(result: CommandResult) -> str:
    failed: list[dict[str, Any]] = result.output.get("failed", [])
    return shortened(str(failed[0]["reason"]) if failed else result.complaint)
