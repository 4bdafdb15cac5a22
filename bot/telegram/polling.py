"""Asking for updates, for as long as the bot runs."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any

from telegram.error import NetworkError
from telegram.request import HTTPXRequest

from bot.telegram.inbox import Inbox
from index.errors import StorageError


class UpdatesRequest(HTTPXRequest):
    """Gets updates, and keeps them before the next request tells Telegram that they have come.

    It also makes a refusal of the token, or of the address, an outage that passes. That ends
    python-telegram-bot's polling for good, and leaves the bot running, deaf. A server that
    restarts may say so of any token; one that is wrong from the start is told before.
    """

    def __init__(self, inbox: Inbox) -> None:
        super().__init__(connection_pool_size=1)
        self._inbox = inbox

    async def do_request(self, *told: Any, **options: Any) -> tuple[int, bytes]:
        """See HTTPXRequest: status and content of the response."""
        status, content = await super().do_request(*told, **options)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
            return HTTPStatus.BAD_GATEWAY, content
        if status == HTTPStatus.OK:
            await asyncio.to_thread(self._keep, content)
        return status, content

    def _keep(self, content: bytes) -> None:
        try:
            updates = json.loads(content)["result"]
        except (ValueError, KeyError, TypeError):
            return  # python-telegram-bot tells what is wrong with it
        try:
            if isinstance(updates, list) and updates:
                self._inbox.keep(updates)
        except StorageError as error:  # asked for again, later
            raise NetworkError(f"what came cannot be kept: {error}") from error
