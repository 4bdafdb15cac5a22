"""Being told of updates instead of asking for them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from telegram import Update

from bot.settings import Settings
from bot.telegram.inbox import Inbox


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
