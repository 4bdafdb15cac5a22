"""What the fake Bot API records, and how it says no."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web

Json = dict[str, Any]
Commands = dict[tuple[str, str], list[dict[str, str]]]
T = TypeVar("T")

NO_ANSWER = 0  # The status of a call whose connection was closed without a response.
ADA: Json = {"id": 1001, "is_bot": False, "first_name": "Ada", "language_code": "it"}
REASONS = {
    NO_ANSWER: "connection closed",
    400: "Bad Request: message can't be edited",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request; make sure that only one bot instance "
    "is running",
    429: "Too Many Requests: retry after {}",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


CLOSED = {  # why nothing can be sent to a chat or a topic
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "deactivated": (403, "Forbidden: user is deactivated"),
    "kicked": (403, "Forbidden: bot was kicked from the supergroup chat"),
    "gone": (400, "Bad Request: chat not found"),
    "muted": (400, "Bad Request: not enough rights to send text messages to the chat"),
    "topic closed": (400, "Bad Request: TOPIC_CLOSED"),
    "topic gone": (400, "Bad Request: TOPIC_DELETED"),
    "topic deleted": (400, "Bad Request: message thread not found"),
}


@dataclass(frozen=True)
class Call:
    """One request: its decoded parameters, its result if it took effect, the status answered."""

    method: str
    params: Json
    result: Any
    status: int


@dataclass(frozen=True)
class Refusal:
    """One request that Telegram, or the stricter rules of this module, does not accept."""

    method: str
    params: Json
    description: str


class ApiError(Exception):
    """An unsuccessful response (#making-requests)."""

    def __init__(self, status: int, description: str, **parameters: int | None) -> None:
        super().__init__(description)
        self.status, self.description = status, description
        self.parameters = {n: value for n, value in parameters.items() if value is not None}

    def response(self) -> web.Response:
        """The JSON body of an error, with its #responseparameters if it has any."""
        body: Json = {"ok": False, "error_code": self.status, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return web.json_response(body, status=self.status)


class ClosedError(ApiError):
    """The answer to what is sent to a chat that takes nothing: no mistake of the bot."""


class Fault(ApiError):
    """An error that a test asked for, so not a refusal; ``html`` gives the page of a proxy."""

    def __init__(
        self, status: int, retry_after: int | None = None, *, html: bool = False, late: bool = False
    ) -> None:
        super().__init__(status, REASONS[status].format(retry_after), retry_after=retry_after)
        self.html = html
        self.late = late

    def response(self) -> web.Response:
        """The page of the proxy in front of the Bot API, or the usual JSON."""
        if not self.html:
            return super().response()
        page = f"<html><body><h1>{self.status} {self.description}</h1></body></html>"
        return web.Response(text=page, status=self.status, content_type="text/html")


def bad_request(description: str) -> ApiError:
    """The answer to a request with wrong parameters."""
    return ApiError(400, f"Bad Request: {description}")
