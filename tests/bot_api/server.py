"""The HTTP side of the fake Bot API: requests, faults, polls and the limits of flood control."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import re
import threading
import time
from collections import defaultdict, deque
from typing import Any, Self

from aiohttp import web

from tests.bot_api.errors import NO_ANSWER, ApiError, Call, Fault, Json, Refusal
from tests.bot_api.parameters import PARAMETERS, decode_parameters, read_parameters
from tests.bot_api.state import BotState


class BotApiServer:
    """The HTTP server, in a thread of its own, and what it keeps of the calls."""

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
