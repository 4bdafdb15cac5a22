"""The HTTP side of the fake Bot API: requests, faults, polls and downloads."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import re
import threading
from collections import defaultdict, deque
from typing import Any, Self

from aiohttp import web

from tests.bot_api.errors import NO_ANSWER, ApiError, Call, ClosedError, Fault, Json, Refusal
from tests.bot_api.files import DOWNLOAD
from tests.bot_api.flood import FloodControl
from tests.bot_api.parameters import PARAMETERS, decode_parameters, read_parameters
from tests.bot_api.state import BotState

_LARGEST_REQUEST = 60 << 20  # bytes


class BotApiServer:
    """The HTTP server, in a thread of its own, and what it keeps of the calls."""

    def __init__(
        self,
        token: str = "42:fake-token-for-tests",
        *,
        messages_per_second: int | None = None,
        overall_per_second: int | None = None,
        inline: bool = True,
    ) -> None:
        self.token = token
        self._flood = FloodControl(messages_per_second, overall_per_second)
        self._state = BotState(int(token.partition(":")[0]), inline=inline)
        self._calls: list[Call] = []
        self._reactions: dict[tuple[int, int], list[Json]] = {}  # by message and user
        self._refusals: list[Refusal] = []
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._changed = threading.Condition()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake-bot-api", daemon=True)
        self._loop: asyncio.AbstractEventLoop
        self._closing: asyncio.Event
        self._woken: asyncio.Event
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
        self._loop = asyncio.get_running_loop()
        self._closing, self._woken = asyncio.Event(), asyncio.Event()
        app = web.Application(client_max_size=_LARGEST_REQUEST)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        app.router.add_route("*", "/bot{token}/{method}", self._handle)
        # Without cancellation the poll of a bot that was killed would last until its timeout.
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._port = runner.addresses[0][1]
        self._started.set()
        delivery = asyncio.create_task(self._state.webhook.deliver(self._changed, self._woken))
        await self._closing.wait()
        delivery.cancel()
        await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        method, params = request.match_info["method"], Json()
        try:
            self._check_token(request.match_info["token"])
            is_old = method == "sendRichMessage" and not self._state.knows_rich
            if method not in PARAMETERS or is_old:
                raise ApiError(404, "Not Found")
            params = await read_parameters(request)
            params = decode_parameters(method, params)
            fault = self._next_fault(method)
            result = await self._perform(method, params)
        except ApiError as error:
            return self._reject(request, method, params, error)
        self._record(Call(method, params, result, NO_ANSWER if fault else 200))
        return hang_up(request) if fault else web.json_response({"ok": True, "result": result})

    async def _download(self, request: web.Request) -> web.Response:
        """The content of a file (#getfile), recorded as a call with its size as the result."""
        params = {"file_path": request.match_info["path"]}
        try:
            self._check_token(request.match_info["token"])
            fault = self._next_fault(DOWNLOAD)
            with self._changed:
                content = self._state.files.content(params["file_path"])
        except ApiError as error:
            return self._reject(request, DOWNLOAD, params, error)
        self._record(Call(DOWNLOAD, params, len(content), NO_ANSWER if fault else 200))
        return hang_up(request) if fault else web.Response(body=content)

    def _check_token(self, token: str) -> None:
        """401 for a wrong token; 404 for a malformed one (#authorizing-your-bot)."""
        if re.fullmatch(r"\d+:[\w-]+", token) and token != self.token:
            raise ApiError(401, "Unauthorized")
        if token != self.token:
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
            if method in {"sendMessage", "sendDocument", "sendRichMessage", "editMessageText"}:
                self._flood.count(params.get("chat_id", 0))
            result = copy.deepcopy(self._state.handlers[method](params))
        if method == "setWebhook":
            self._end_poll("terminated by setWebhook request")
            self._wake()
        return result

    async def _get_updates(self, params: Json) -> list[Json]:
        limit, timeout = params.get("limit", 100), params.get("timeout", 0)
        with self._changed:
            self._state.webhook.check_unused()
            updates = self._state.queue.take(params.get("offset", 0), limit)
            if "allowed_updates" in params:
                self._state.queue.allow(params["allowed_updates"])
        reason = "terminated by other getUpdates request; make sure that only one bot instance"
        self._end_poll(f"{reason} is running")
        if not updates and timeout > 0:
            self._poll = self._loop.create_future()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._poll, timeout)
            with self._changed:
                updates = self._state.queue.take(0, limit)
        return updates

    def _end_poll(self, reason: str) -> None:
        """Of two polls Telegram ends the older, which is the one that sees the conflict."""
        if self._poll is not None and not self._poll.done():
            self._poll.set_exception(ApiError(409, f"Conflict: {reason}"))

    def _wake(self) -> None:
        """Let a poll, or else the webhook, have what is new."""
        self._woken.set()
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    def _reject(
        self, request: web.Request, method: str, params: Json, error: ApiError
    ) -> web.Response:
        if error.status in {400, 401, 404} and not isinstance(error, (Fault, ClosedError)):
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
