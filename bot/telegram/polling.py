"""Asking for updates, for as long as the bot runs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from telegram.request import HTTPXRequest


class UpdatesRequest(HTTPXRequest):
    """Makes a refusal of the token, or of the address, an outage that passes.

    It ends python-telegram-bot's polling for good, and leaves the bot running, deaf. A server that
    restarts may say so of any token; one that is wrong from the start is told before.
    """

    async def do_request(self, *told: Any, **options: Any) -> tuple[int, bytes]:
        """See HTTPXRequest: status and content of the response."""
        status, content = await super().do_request(*told, **options)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND):
            return HTTPStatus.BAD_GATEWAY, content
        return status, content
