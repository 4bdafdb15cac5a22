"""Asking for updates, for as long as the bot runs."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from telegram import Update
from telegram.error import NetworkError
from telegram.request import HTTPXRequest

from bot.settings import Settings
from bot.telegram.inbox import Inbox
from index.errors import StorageError

PAUSES = (0.2, 0.5, 1.0)  # seconds between requests that fail
AT_ONCE = 20  # updates: a hundred would hold up the event loop while they are read
STALLED = 180.0  # seconds without a request: each lasts ten, and is repeated when it fails
_log = logging.getLogger(__name__)


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
