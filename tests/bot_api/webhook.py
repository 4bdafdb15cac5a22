"""The webhook of a bot: updates are posted to it instead of being fetched (#setwebhook)."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.bot_api.errors import ApiError, Json, bad_request
from tests.bot_api.text import checked_link
from tests.bot_api.updates import UpdateQueue

_PAUSE = 0.2  # seconds until an update that was not accepted is posted again
_PATIENCE = ClientTimeout(total=60)
_PORTS = {None, 80, 88, 443, 8443}


class Webhook:
    """The webhook's settings and deliveries; without a webhook the bot has to poll.

    A certificate that was uploaded is the only one that is trusted. A method called in the response
    to an update is not modelled. Updates are posted one after the other, whatever max_connections
    is: the order is always theirs.
    """

    def __init__(self, queue: UpdateQueue) -> None:
        self._queue = queue
        self._settings: Json = {}
        self._error: Json = {}
        self.handlers: dict[str, Callable[[Json], Any]] = {
            "setWebhook": self.set_webhook,
            "deleteWebhook": self.delete_webhook,
            "getWebhookInfo": self.get_webhook_info,
        }

    def set_webhook(self, params: Json) -> bool:
        """#setwebhook; an empty URL deletes the webhook."""
        if not params.get("url"):
            return self.delete_webhook(params)
        _check_settings(params)
        if "allowed_updates" in params:
            self._queue.allow(params["allowed_updates"])
        if params.get("drop_pending_updates"):
            self._queue.clear()
        self._settings, self._error = params, {}
        return True

    def delete_webhook(self, params: Json) -> bool:
        """#deletewebhook."""
        if params.get("drop_pending_updates"):
            self._queue.clear()
        self._settings, self._error = {}, {}
        return True

    def get_webhook_info(self, params: Json) -> Json:
        """#webhookinfo."""
        info: Json = {
            "url": self._settings.get("url", ""),
            "has_custom_certificate": "certificate" in self._settings,
            "pending_update_count": len(self._queue.pending),
        }
        if self._settings:
            info["max_connections"] = self._settings.get("max_connections", 40)
        if self._queue.allowed:
            info["allowed_updates"] = sorted(self._queue.allowed)
        return info | self._error

    def check_unused(self) -> None:
        """Refuse getUpdates while there is a webhook (#getupdates)."""
        if self._settings:
            reason = "can't use getUpdates method while webhook is active"
            raise ApiError(
                409, f"Conflict: {reason}; use deleteWebhook to delete the webhook first"
            )

    async def deliver(self, lock: threading.Condition, woken: asyncio.Event) -> None:
        """Post what is queued, each update until it is accepted, for as long as it is awaited."""
        async with ClientSession(timeout=_PATIENCE) as session:
            while True:
                with lock:
                    update = self._queue.first() if self._settings else None
                if update is None:
                    woken.clear()
                    await woken.wait()
                elif await self._post(session, update):
                    with lock:
                        self._queue.accept(update)
                else:
                    await asyncio.sleep(_PAUSE)

    async def _post(self, session: ClientSession, update: Json) -> bool:
        """Whether the webhook accepted an update."""
        secret = self._settings.get("secret_token")
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret} if secret else {}
        url = self._settings["url"]
        try:
            async with session.post(
                url, json=update, headers=headers, allow_redirects=False, ssl=self._trusted()
            ) as response:
                problem = f"Wrong response from the webhook: {response.status} {response.reason}"
                accepted = response.status // 100 == 2
        except (ClientError, TimeoutError) as error:
            problem, accepted = f"Connection failed: {type(error).__name__}", False
        if not accepted:
            self._error = {"last_error_date": int(time.time()), "last_error_message": problem}
        return accepted

    def _trusted(self) -> ssl.SSLContext | bool:
        """What a certificate is checked against: the one that was uploaded, or the system's."""
        certificate = self._settings.get("certificate")
        return ssl.create_default_context(cadata=certificate.decode()) if certificate else True


def _check_settings(params: Json) -> None:
    _check_url(params["url"])
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", params.get("secret_token", "-")):
        raise bad_request("secret token is too long or contains unallowed characters")
    if not 1 <= params.get("max_connections", 40) <= 100:
        raise bad_request("max_connections must be between 1 and 100")


def _check_url(url: str) -> None:
    """An https address on a port of Telegram's; tests may use http and any port on this machine.

    The real Telegram takes https and its ports only.
    """
    try:
        port = urlsplit(url).port
    except ValueError as error:
        raise bad_request("bad webhook: invalid webhook URL specified") from error
    if re.fullmatch(r"https?://127\.0\.0\.1:\d+(/\S*)?", url):
        return
    if not url.startswith("https://") or checked_link(url) is None:
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if port not in _PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
