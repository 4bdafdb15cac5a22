"""Receives updates and keeps each until it is handled, so that none is lost or handled twice."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from telegram import Update
from telegram.error import NetworkError
from telegram.ext import BaseUpdateProcessor
from telegram.request import HTTPXRequest

from bot.access import Supergroups
from bot.settings import Settings
from bot.state import State
from index.errors import StorageError

KEPT = 2 * 24 * 3600  # seconds for which a number is remembered; Telegram repeats for one day
MAX_TRIES = 3  # of an update with which the process ended
_RETRY_PAUSES = (0.2, 0.5, 1.0)  # seconds between requests that fail
_BATCH = 20  # updates: a hundred would hold up the event loop while they are parsed
_CONFLICT_PAUSE = 60.0  # seconds, at most, between requests that another program ends
_CONFLICT_LINE = 3600.0  # seconds between lines in the log that say so
_STALLED = 180.0  # seconds without a request: each lasts ten, and is repeated when it fails

_POLLED_ELSEWHERE = (
    "another program gets the messages of this bot too, and some of them never come here (409): "
    "stop it, or give one of the two a token of its own (@BotFather, /newbot)"
)
_WEBHOOK_ELSEWHERE = (
    "no messages come: another program has set a webhook for this bot, and Telegram sends them "
    "there (409): stop that program, then start this one again, which removes the webhook"
)

_log = logging.getLogger(__name__)


class Inbox:
    """The updates that a bot has received. Of handled ones only the number is kept, for a while."""

    def __init__(self, state: State, bot: int, supergroups: Supergroups) -> None:
        self._state = state
        self._bot = bot  # another token is another bot, with numbers of its own
        self._supergroups = supergroups
        self._begun: set[int] = set()

    def keep(self, updates: Sequence[dict[str, Any]]) -> None:
        """Store the updates that are new. Raises StorageError.

        What they say of groups that become supergroups is known before one of them is handled.
        """
        for message in (update.get("message", {}) for update in updates):
            if new := message.get("migrate_to_chat_id"):
                self._supergroups.learn(message["chat"]["id"], new)
            elif old := message.get("migrate_from_chat_id"):
                self._supergroups.learn(old, message["chat"]["id"])
        now = time.time()
        rows = [(self._bot, update["update_id"], json.dumps(update), now) for update in updates]
        with self._state.changing() as database:
            database.execute("DELETE FROM inbox WHERE body IS NULL AND arrived < ?", (now - KEPT,))
            database.executemany(
                "INSERT OR IGNORE INTO inbox (bot, update_id, body, arrived) VALUES (?, ?, ?, ?)",
                rows,
            )

    def waiting(self) -> list[dict[str, Any]]:
        """The updates that are not handled yet, oldest first. Raises StorageError."""
        query = "SELECT body FROM inbox WHERE bot = ? AND body IS NOT NULL ORDER BY update_id"
        return [json.loads(body) for (body,) in self._state.select(query, self._bot)]

    def begin(self, number: int) -> bool:
        """Whether to handle this update now: not if it is handled already, or being handled.

        Nor if the process ended with it MAX_TRIES times. If the disk fails it is handled: an
        answer too many is better than none.
        """
        if number in self._begun:
            return False
        self._begun.add(number)
        try:
            return self._is_due(number)
        except StorageError as error:
            _log.error("%s", error)
            return True

    def end(self, number: int) -> None:
        """Note that the update is handled."""
        self._try_to_change(
            "UPDATE inbox SET body = NULL, dealt = ? WHERE bot = ? AND update_id = ?",
            time.time(), self._bot, number,
        )  # fmt: skip
        self._begun.discard(number)

    def postpone(self, number: int) -> None:
        """Leave the update to the next start; this does not count as a try."""
        self._try_to_change(
            "UPDATE inbox SET tries = tries - 1 WHERE bot = ? AND update_id = ?", self._bot, number
        )

    def _is_due(self, number: int) -> bool:
        query = "SELECT body IS NULL, tries FROM inbox WHERE bot = ? AND update_id = ?"
        for done, tries in self._state.select(query, self._bot, number):
            if not done and tries >= MAX_TRIES:
                _log.error("update %s is given up: the bot ended with it %s times", number, tries)
            if done or tries >= MAX_TRIES:
                self.end(number)
                return False
        self._try_to_change(
            "UPDATE inbox SET tries = tries + 1 WHERE bot = ? AND update_id = ?", self._bot, number
        )
        return True

    def _try_to_change(self, statement: str, *values: float) -> None:
        try:
            with self._state.changing() as database:
                database.execute(statement, values)
        except StorageError as error:
            _log.error("%s", error)


class InboxProcessor(BaseUpdateProcessor):
    """Handles a limited number of updates at a time, each of them once, also across a restart."""

    def __init__(self, inbox: Inbox, limit: int) -> None:
        super().__init__(limit)
        self._inbox = inbox
        self._under_way: set[asyncio.Task[None]] = set()
        self._settling = False

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """See BaseUpdateProcessor. An update whose handling is cut off is handled again."""
        if not isinstance(update, Update):
            await coroutine
            return
        begun = not self._settling and await asyncio.to_thread(self._inbox.begin, update.update_id)
        if not begun or self._settling:  # settle() may have been called meanwhile
            coroutine.close()  # type: ignore[attr-defined]
            if begun:
                await asyncio.to_thread(self._inbox.postpone, update.update_id)
            return
        task = asyncio.ensure_future(coroutine)
        self._under_way.add(task)
        try:
            await asyncio.wait({task})
        finally:
            self._under_way.discard(task)
        if task.cancelled():
            await asyncio.to_thread(self._inbox.postpone, update.update_id)
        else:
            await asyncio.to_thread(self._inbox.end, update.update_id)
            task.result()

    async def settle(self, seconds: float) -> None:
        """Begin no more updates, wait for those under way, and postpone the late ones."""
        self._settling = True
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=seconds)
            for task in late:
                task.cancel()
            _log.info("%d answers are put off until the next start", len(late))

    async def initialize(self) -> None:
        """See BaseUpdateProcessor."""

    async def shutdown(self) -> None:
        """See BaseUpdateProcessor."""


class KeptQueue(asyncio.Queue[Any]):
    """The updates from a webhook: each is stored before Telegram hears that it has arrived.

    Raises StorageError where that fails; Telegram then gets an error, and sends it again.
    """

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    async def put(self, item: object) -> None:
        """See asyncio.Queue."""
        if isinstance(item, Update):
            await asyncio.to_thread(self._inbox.keep, [item.to_dict()])
        await super().put(item)


@dataclass(frozen=True)
class Webhook:
    """Where Telegram finds the bot. Path and secret derive from the token: nobody guesses them."""

    listen: str
    port: int
    url: str
    path: str
    secret: str

    @classmethod
    def of(cls, settings: Settings) -> Webhook:
        """The webhook of the settings."""
        token = settings.telegram_bot_token.get_secret_value()
        host, _, port = settings.telegram_webhook_listen.rpartition(":")
        url = f"{settings.telegram_webhook_url}/{_derived(token, 'path')}"
        path = urlsplit(url).path.strip("/")
        return cls(host.strip("[]"), int(port), url, path, _derived(token, "secret"))


def _derived(token: str, purpose: str) -> str:
    """A secret that only the holder of the token can compute, and that does not reveal it."""
    return hmac.new(token.encode(), purpose.encode(), hashlib.sha256).hexdigest()


class UpdatesRequest(HTTPXRequest):
    """Gets updates, and stores them before the next request confirms them to Telegram.

    It also turns a refusal of the token, or of the address, into an outage that passes: a refusal
    ends python-telegram-bot's polling for good, and leaves the bot running, deaf. A server that
    restarts may refuse any token; one that is wrong from the start is reported before.
    """

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(connection_pool_size=1)
        self._inbox = inbox
        self.last_end = time.monotonic()  # of a request
        self._conflicts = 0  # one after the other
        self._last_conflict = self._last_line = -math.inf

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """See HTTPXRequest: status and content of the response."""
        status, content = await self._repeatedly(*args, **kwargs)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
            return HTTPStatus.BAD_GATEWAY, content
        if status == HTTPStatus.CONFLICT:
            await self._wait_for_the_other(content)
        if status == HTTPStatus.OK:
            content = await asyncio.to_thread(self._kept, content)
        return status, content

    async def _repeatedly(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Retry a few times at once: python-telegram-bot would wait longer and longer."""
        for pause in (*_RETRY_PAUSES, None):
            try:
                status, content = await super().do_request(*args, **kwargs)
                if pause is None or status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return status, content
            except NetworkError:
                if pause is None:
                    raise
            finally:
                self.last_end = time.monotonic()
            await asyncio.sleep(pause)
        raise AssertionError("the last request returns or raises")

    async def _wait_for_the_other(self, content: bytes) -> None:
        """Say what ends the requests, now and then, and wait longer each time."""
        now = time.monotonic()
        self._conflicts = self._conflicts + 1 if now - self._last_conflict < _CONFLICT_LINE else 0
        self._last_conflict = now
        if now - self._last_line >= _CONFLICT_LINE:
            self._last_line = now
            _log.error(_WEBHOOK_ELSEWHERE if b"webhook" in content.lower() else _POLLED_ELSEWHERE)
        await asyncio.sleep(min(2.0**self._conflicts, _CONFLICT_PAUSE))

    def _kept(self, content: bytes) -> bytes:
        """The first of the updates, once they are stored; Telegram sends the others again."""
        try:
            response = json.loads(content)
            updates = response["result"]
        except (ValueError, KeyError, TypeError):
            return content  # python-telegram-bot reports what is wrong with it
        if not isinstance(updates, list) or not updates:
            return content
        try:
            self._inbox.keep(updates[:_BATCH])
        except StorageError as error:  # they are requested again later
            raise NetworkError(f"the updates cannot be stored: {error}") from error
        return json.dumps({**response, "result": updates[:_BATCH]}).encode()


@dataclass(frozen=True)
class PollingWatch:
    """Restarts the polling when it has ended without an error."""

    request: UpdatesRequest
    restart: Callable[[], Awaitable[None]]
    stalled: float = _STALLED

    async def watch(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(self.stalled / 4)
            silent = time.monotonic() - self.request.last_end
            if silent < self.stalled:
                continue
            _log.error("no request for updates in %.0f s: polling is restarted", silent)
            self.request.last_end = time.monotonic()
            try:
                await self.restart()
            except Exception:  # noqa: BLE001 (whatever it is, the next round tries again)
                _log.exception("polling could not be restarted")
