"""Receives updates and keeps each until it is handled, so that none is lost or handled twice."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
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

from bot.settings import Settings
from bot.state import State
from index.errors import StorageError

KEPT = 2 * 24 * 3600  # seconds for which a number is remembered; Telegram repeats for one day
MOST_TRIES = 3  # of an update with which the process ended

_log = logging.getLogger(__name__)


class Inbox:
    """The updates of a bot that have come. Of those dealt with only the number is kept, a while."""

    def __init__(self, state: State, bot: int) -> None:
        self._state = state
        self._bot = bot  # another token is another bot, with numbers of its own
        self._under_way: set[int] = set()

    def keep(self, updates: Sequence[dict[str, Any]]) -> None:
        """Store the updates that have not come before. Raises StorageError."""
        now = time.time()
        rows = [(self._bot, update["update_id"], json.dumps(update), now) for update in updates]
        with self._state.changing() as database:
            database.execute("DELETE FROM inbox WHERE body IS NULL AND arrived < ?", (now - KEPT,))
            database.executemany(
                "INSERT OR IGNORE INTO inbox (bot, update_id, body, arrived) VALUES (?, ?, ?, ?)",
                rows,
            )

    def waiting(self) -> list[dict[str, Any]]:
        """The updates that are not dealt with, oldest first. Raises StorageError."""
        query = "SELECT body FROM inbox WHERE bot = ? AND body IS NOT NULL ORDER BY update_id"
        return [json.loads(body) for (body,) in self._state.select(query, self._bot)]

    def begin(self, number: int) -> bool:
        """Whether this update is to be dealt with now: not if it was, or is just being.

        Not either if the process ended with it again and again. Where the disk fails it is: one
        answer too many is better than none.
        """
        if number in self._under_way:
            return False
        self._under_way.add(number)
        try:
            return self._first_time(number)
        except StorageError as error:
            _log.error("%s", error)
            return True

    def end(self, number: int) -> None:
        """The update is dealt with."""
        try:
            with self._state.changing() as database:
                database.execute(
                    "UPDATE inbox SET body = NULL, dealt = ? WHERE bot = ? AND update_id = ?",
                    (time.time(), self._bot, number),
                )
        except StorageError as error:
            _log.error("%s", error)
        self._under_way.discard(number)

    def postpone(self, number: int) -> None:
        """The update is not dealt with after all: it is the next start's, and this was no try."""
        try:
            with self._state.changing() as database:
                database.execute(
                    "UPDATE inbox SET tries = tries - 1 WHERE bot = ? AND update_id = ?",
                    (self._bot, number),
                )
        except StorageError as error:
            _log.error("%s", error)

    def _first_time(self, number: int) -> bool:
        query = "SELECT body IS NULL, tries FROM inbox WHERE bot = ? AND update_id = ?"
        for done, tries in self._state.select(query, self._bot, number):
            if not done and tries >= MOST_TRIES:
                _log.error("update %s is given up: the bot ended with it %s times", number, tries)
            if done or tries >= MOST_TRIES:
                self.end(number)
                return False
        with self._state.changing() as database:
            database.execute(
                "UPDATE inbox SET tries = tries + 1 WHERE bot = ? AND update_id = ?",
                (self._bot, number),
            )
        return True


class InboxProcessor(BaseUpdateProcessor):
    """Deals with so many updates at a time, with each one once, also across a restart."""

    def __init__(self, inbox: Inbox, most: int) -> None:
        super().__init__(most)
        self._inbox = inbox
        self._under_way: set[asyncio.Task[None]] = set()
        self._settling = False

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """See BaseUpdateProcessor. An update whose handling is cut off is dealt with again."""
        if not isinstance(update, Update):
            await coroutine
            return
        if self._settling or not await asyncio.to_thread(self._inbox.begin, update.update_id):
            coroutine.close()  # type: ignore[attr-defined]
            return
        if self._settling:  # it was begun in the very moment
            coroutine.close()
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
            return
        await asyncio.to_thread(self._inbox.end, update.update_id)
        task.result()

    async def settle(self, seconds: float) -> None:
        """Begin nothing any more, and give what is under way so long; the rest is put off."""
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


PAUSES = (0.2, 0.5, 1.0)  # seconds between requests that fail
AT_ONCE = 20  # updates: a hundred would hold up the event loop while they are read
STALLED = 180.0  # seconds without a request: each lasts ten, and is repeated when it fails


class KeptQueue(asyncio.Queue[Any]):
    """Updates on their way: each is kept before Telegram hears that it has come.

    Raises StorageError where it cannot be kept; Telegram then gets an error, and tells it again.
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
    """Where Telegram finds the bot. Path and secret follow from the token: nobody guesses them."""

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
    """What only who has the token can know; the token cannot be told from it."""
    return hmac.new(token.encode(), purpose.encode(), hashlib.sha256).hexdigest()


class UpdatesRequest(HTTPXRequest):
    """Gets updates, and keeps them before the next request tells Telegram that they have come.

    It also makes a refusal of the token, or of the address, an outage that passes. That ends
    python-telegram-bot's polling for good, and leaves the bot running, deaf. A server that
    restarts may say so of any token; one that is wrong from the start is told before.
    """

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(connection_pool_size=1)
        self._inbox = inbox
        self.ended = time.monotonic()  # the last request

    async def do_request(self, *told: Any, **options: Any) -> tuple[int, bytes]:
        """See HTTPXRequest: status and content of the response."""
        status, content = await self._repeatedly(*told, **options)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
            return HTTPStatus.BAD_GATEWAY, content
        if status == HTTPStatus.OK:
            content = await asyncio.to_thread(self._kept, content)
        return status, content

    async def _repeatedly(self, *told: Any, **options: Any) -> tuple[int, bytes]:
        """Ask again at once, some times: python-telegram-bot would wait longer and longer."""
        for pause in (*PAUSES, None):
            try:
                status, content = await super().do_request(*told, **options)
                if pause is None or status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return status, content
            except NetworkError:
                if pause is None:
                    raise
            finally:
                self.ended = time.monotonic()
            await asyncio.sleep(pause)
        raise AssertionError("the last one returns or raises")

    def _kept(self, content: bytes) -> bytes:
        """The first of the updates, which are kept; Telegram tells of the others again."""
        try:
            told = json.loads(content)
            updates = told["result"]
        except (ValueError, KeyError, TypeError):
            return content  # python-telegram-bot tells what is wrong with it
        if not isinstance(updates, list) or not updates:
            return content
        try:
            self._inbox.keep(updates[:AT_ONCE])
        except StorageError as error:  # asked for again, later
            raise NetworkError(f"what came cannot be kept: {error}") from error
        return json.dumps({**told, "result": updates[:AT_ONCE]}).encode()


class PollingWatch:
    """Begins the polling again when it has ended without a word.

    ``restart`` ends and begins it.
    """

    def __init__(
        self,
        request: UpdatesRequest,
        restart: Callable[[], Awaitable[None]],
        stalled: float = STALLED,
    ) -> None:
        self._request = request
        self._restart = restart
        self._stalled = stalled

    async def watch(self) -> None:
        """Go on until it is cancelled."""
        while True:
            await asyncio.sleep(self._stalled / 4)
            silent = time.monotonic() - self._request.ended
            if silent < self._stalled:
                continue
            _log.error("no updates have been asked for in %.0f s: beginning again", silent)
            self._request.ended = time.monotonic()
            try:
                await self._restart()
            except Exception:  # noqa: BLE001 (whatever it is, it is tried again)
                _log.exception("asking for updates could not be begun again")
