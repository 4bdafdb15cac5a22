"""A strict stand-in for the Telegram Bot API, run on localhost for the tests of a polling bot.

It answers the methods of ``PARAMETERS`` as https://core.telegram.org/bots/api (written #section
below) describes them, and refuses what Telegram refuses. Where Telegram silently drops what a
bot sent (an unknown parameter, a nested tag that is not allowed, an unescaped ampersand), it
refuses too, so that the mistake fails a test. ``FakeBotApi.refusals`` keeps every refusal.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import re
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, Self

from aiohttp import web

from tests.bot_api.errors import (
    ADA,
    NO_ANSWER,
    ApiError,
    Call,
    Commands,
    Fault,
    Json,
    Refusal,
    T,
)
from tests.bot_api.parameters import PARAMETERS, decode_parameters, read_parameters
from tests.bot_api.state import BotState, chat_of


class FakeBotApi:
    """The HTTP server, in its own thread: what a test does to it, and what it asks of it."""

    def __init__(
        self, token: str = "42:fake-token-for-tests", *, messages_per_second: int | None = None
    ) -> None:
        self.token = token
        self._limit = messages_per_second
        self._sent: defaultdict[int, deque[float]] = defaultdict(deque)
        self._state = BotState(int(token.partition(":")[0]))
        self._calls: list[Call] = []
        self._refusals: list[Refusal] = []
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._changed = threading.Condition()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-bot-api", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._closing: asyncio.Event
        self._poll: asyncio.Future[None] | None = None
        self._port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(10):
            raise RuntimeError("the fake Bot API did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(10)

    @property
    def base_url(self) -> str:
        """The base_url of python-telegram-bot's ApplicationBuilder."""
        return f"http://127.0.0.1:{self._port}/bot"

    def say(
        self,
        text: str,
        *,
        user_id: int = ADA["id"],
        chat_id: int | None = None,
        language_code: str | None = "it",
        first_name: str = "Ada",
        entities: list[Json] | None = None,
        reply_to: int | None = None,
    ) -> int:
        """Deliver a text from a user, in the private chat by default; return its message_id."""
        user: Json = {"id": user_id, "is_bot": False, "first_name": first_name}
        if language_code is not None:
            user["language_code"] = language_code
        chat = chat_of(user_id if chat_id is None else chat_id, first_name)
        message: Json = {"from": user, "chat": chat, "text": text}
        if reply_to is not None:
            (message["reply_to_message"],) = (
                m for m in self.messages(chat["id"]) if m["message_id"] == reply_to
            )
        command = re.match(r"/[A-Za-z0-9_]{1,32}(@\w+)?", text)
        if entities is None and command:
            entities = [{"type": "bot_command", "offset": 0, "length": command.end()}]
        if entities:
            message["entities"] = entities
        return int(self.push({"message": message})["message"]["message_id"])

    def push(self, update: Json) -> Json:
        """Deliver any Update; return it completed with identifiers, a date, a user, a chat."""
        update = copy.deepcopy(update)
        with self._changed:
            self._state.receive(update)
        self._loop.call_soon_threadsafe(self._wake)
        return copy.deepcopy(update)

    def fail(
        self,
        method: str,
        *,
        status: int = 429,
        retry_after: int | None = None,
        times: int = 1,
        html: bool = False,
    ) -> None:
        """Answer the next calls with an error of ``REASONS``, before they take effect."""
        if status == 429 and retry_after is None:
            retry_after = 1
        self._add_faults(method, times, Fault(status, retry_after, html=html))

    def drop(self, method: str, times: int = 1) -> None:
        """Close the connection of the next calls after they took effect."""
        self._add_faults(method, times, Fault(NO_ANSWER, late=True))

    def drop_before(self, method: str, times: int = 1) -> None:
        """Close the connection of the next calls before they take effect."""
        self._add_faults(method, times, Fault(NO_ANSWER))

    def _add_faults(self, method: str, times: int, fault: Fault) -> None:
        if method not in PARAMETERS:
            raise ValueError(f"{method} is not a method of the fake")
        with self._changed:
            self._faults[method].extend([fault] * times)

    @property
    def calls(self) -> list[Call]:
        """Every call so far, in the order of the answers."""
        with self._changed:
            return list(self._calls)

    @property
    def refusals(self) -> list[Refusal]:
        """Every call refused for a mistake in it; faults, 409 and flood control are no mistake."""
        with self._changed:
            return list(self._refusals)

    @property
    def commands(self) -> Commands:
        """The command lists by scope ("default", "chat:1001", ...) and language code."""
        with self._changed:
            return copy.deepcopy(self._state.commands)

    @property
    def pending_updates(self) -> list[Json]:
        """The updates that no getUpdates has acknowledged yet."""
        with self._changed:
            return copy.deepcopy(self._state.queue.pending)

    def messages(self, chat_id: int, *, from_bot: bool | None = None) -> list[Json]:
        """The messages of a chat, oldest first: all, or only those (not) from the bot."""
        with self._changed:
            found = copy.deepcopy(list(self._state.messages.get(chat_id, {}).values()))
        return [m for m in found if from_bot is None or m["from"]["is_bot"] == from_bot]

    def chat_actions(self, chat_id: int) -> list[str]:
        """The actions shown in a chat, oldest first."""
        with self._changed:
            return list(self._state.actions[chat_id])

    def replies_to(self, message_id: int, *, count: int = 1, timeout: float = 5) -> list[Json]:
        """The bot's messages that reply to a message, once there are ``count`` of them."""

        def find() -> list[Json] | None:
            found = [
                message
                for chat_id in self._state.chats
                for message in self.messages(chat_id, from_bot=True)
                if message.get("reply_to_message", {}).get("message_id") == message_id
            ]
            return found if len(found) >= count else None

        return self._wait(find, timeout, f"{count} replies to {message_id}")

    def wait_for(
        self, wanted: str | Callable[[Call], bool], *, timeout: float = 5, since: int = 0
    ) -> Call:
        """The first call from index ``since`` that is wanted; a method's name wants status 200."""

        def matches(call: Call) -> bool:
            if isinstance(wanted, str):
                return call.method == wanted and call.status == 200
            return wanted(call)

        def find() -> Call | None:
            return next((call for call in self._calls[since:] if matches(call)), None)

        return self._wait(find, timeout, wanted if isinstance(wanted, str) else "wanted call")

    def _wait(self, find: Callable[[], T | None], timeout: float, what: str) -> T:
        with self._changed:
            found: T | None = None
            deadline = time.monotonic() + timeout
            while (found := find()) is None and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            seen = ", ".join(f"{call.method} {call.status}" for call in self._calls[-20:])
        if found is None:
            raise TimeoutError(f"no {what} within {timeout} s; last calls: {seen}")
        return found

    # All below runs in the thread of the server.

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._closing = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        # Without cancellation the poll of a bot that was killed would last until its timeout.
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._port = runner.addresses[0][1]
        self._started.set()
        await self._closing.wait()
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        method, params = request.match_info["method"], Json()
        try:
            self._check_path(request.match_info["token"], method)
            params = await read_parameters(request)
            params = decode_parameters(method, params)
            fault = self._next_fault(method)
            result = await self._perform(method, params)
        except ApiError as error:
            return self._reject(request, method, params, error)
        self._record(Call(method, params, result, NO_ANSWER if fault else 200))
        return hang_up(request) if fault else web.json_response({"ok": True, "result": result})

    def _check_path(self, token: str, method: str) -> None:
        """401 for a wrong token; 404 for a malformed one or no method (#authorizing-your-bot)."""
        if re.fullmatch(r"\d+:[\w-]+", token) and token != self.token:
            raise ApiError(401, "Unauthorized")
        if token != self.token or method not in PARAMETERS:
            raise ApiError(404, "Not Found")

    def _next_fault(self, method: str) -> Fault | None:
        """Raise the next fault of a method, or return it if the call is to take effect first."""
        with self._changed:
            fault = self._faults[method].popleft() if self._faults[method] else None
        if fault is not None and not fault.late:
            raise fault
        return fault

    async def _perform(self, method: str, params: Json) -> Any:
        if method == "getUpdates":
            return await self._get_updates(params)
        with self._changed:
            if method == "sendMessage":
                self._control_flood(params.get("chat_id", 0))
            return copy.deepcopy(self._state.handlers[method](params))

    def _control_flood(self, chat_id: int) -> None:
        now, sent = time.monotonic(), self._sent[chat_id]
        while sent and sent[0] < now - 1:
            sent.popleft()
        if self._limit is not None and len(sent) >= self._limit:
            raise ApiError(429, "Too Many Requests: retry after 1", 1)
        sent.append(now)

    async def _get_updates(self, params: Json) -> list[Json]:
        limit, timeout = params.get("limit", 100), params.get("timeout", 0)
        with self._changed:
            updates = self._state.queue.take(params.get("offset", 0), limit)
            if "allowed_updates" in params:
                self._state.queue.allow(params["allowed_updates"])
        self._end_other_poll()
        if not updates and timeout > 0:
            self._poll = self._loop.create_future()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._poll, timeout)
            with self._changed:
                updates = self._state.queue.take(0, limit)
        return updates

    def _end_other_poll(self) -> None:
        """Of two polls Telegram ends the older, which is the one that sees the conflict."""
        if self._poll is not None and not self._poll.done():
            reason = "terminated by other getUpdates request; make sure that only one bot instance"
            self._poll.set_exception(ApiError(409, f"Conflict: {reason} is running"))

    def _wake(self) -> None:
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def _reject(
        self, request: web.Request, method: str, params: Json, error: ApiError
    ) -> web.Response:
        if error.status in {400, 401, 404} and not isinstance(error, Fault):
            with self._changed:
                self._refusals.append(Refusal(method, params, error.description))
        self._record(Call(method, params, None, error.status))
        return hang_up(request) if error.status == NO_ANSWER else error.response()

    def _record(self, call: Call) -> None:
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()


def hang_up(request: web.Request) -> web.Response:
    """Close the connection at once, so that the response returned is never sent."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
