"""A server on localhost that speaks OpenAI's protocol, and says what a test has it say.

Source: https://platform.openai.com/docs/api-reference/chat (chat completions, streaming, errors).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
KEY = "sk-a-key-that-no-log-may-hold"
PATIENCE = 60  # seconds


@dataclass(frozen=True)
class Reply:
    """What the server does with a request.

    ``text`` comes in so many pieces, ``pause`` seconds apart. ``status``: an error instead;
    ``cut``: the connection ends after so many pieces; ``endless``: the last piece again and again;
    ``silent``: so many seconds before anything comes; ``last``: the last piece waits for it.
    """

    text: str = ""
    status: int = 200
    code: str = ""
    pieces: int = 12
    pause: float = 0.0
    cut: int | None = None
    endless: bool = False
    silent: float = 0.0
    last: threading.Event | None = None
    headers: dict[str, str] = field(default_factory=dict)


def claims(*told: tuple[str, Sequence[tuple[int, str]]]) -> str:
    """Claims as a model that fills in the form writes them."""
    return json.dumps(
        {
            "claims": [
                {"text": text, "quotes": [{"passage": n, "words": w} for n, w in quotes]}
                for text, quotes in told
            ]
        },
        ensure_ascii=False,
    )


class FakeOpenAI:
    """The server, for the length of a ``with``. ``says`` makes a reply of each request's JSON."""

    def __init__(self, says: Callable[[Json], Reply]) -> None:
        self.says = says
        self.requests: list[Json] = []
        self.keys: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api = self

    @property
    def base_url(self) -> str:
        """The address for VIRGOLETTE_CHAT_BASE_URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> FakeOpenAI:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: FakeOpenAI


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        api = self.server.api
        api.requests.append(body)
        api.keys.append(self.headers.get("Authorization", "").removeprefix("Bearer "))
        reply = api.says(body) if self.path == "/v1/chat/completions" else Reply(status=404)
        time.sleep(reply.silent)
        try:
            if reply.status != 200:
                self._error(reply)
            elif body.get("stream"):
                self._stream(body, reply)
            else:
                self._whole(body, reply)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # nobody waits any more

    def _error(self, reply: Reply) -> None:
        told = {"message": f"Refused {KEY[:8]}", "type": reply.code, "code": reply.code}
        self._send(reply.status, {"error": told}, reply.headers)

    def _whole(self, body: Json, reply: Reply) -> None:
        message = {"role": "assistant", "content": reply.text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        told = _object(body, "chat.completion") | {"choices": [choice]}
        self._send(200, told | {"usage": _usage(reply.text)}, {})

    def _send(self, status: int, told: Json, headers: dict[str, str]) -> None:
        content = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, body: Json, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        size = max(1, -(-len(reply.text) // reply.pieces))
        cut = [reply.text[at : at + size] for at in range(0, len(reply.text), size)]
        for piece in cut[: reply.cut]:
            if reply.last is not None and piece is cut[-1]:
                reply.last.wait(PATIENCE)
            self._piece(body, piece, reply.pause)
        while reply.endless:
            self._piece(body, cut[-1], reply.pause)
        if reply.cut is None:
            self._end(body, reply)

    def _end(self, body: Json, reply: Reply) -> None:
        self._event(_chunk(body, {}, "stop"))
        if body.get("stream_options", {}).get("include_usage"):
            last = _object(body, "chat.completion.chunk") | {"choices": []}
            self._event(last | {"usage": _usage(reply.text)})
        self.wfile.write(b"data: [DONE]\n\n")

    def _piece(self, body: Json, piece: str, pause: float) -> None:
        told: Json = {"role": "assistant", "content": piece}
        if "tools" in body:
            called = {"name": body["tools"][0]["function"]["name"], "arguments": piece}
            call = {"index": 0, "id": "call_1", "type": "function", "function": called}
            told = {"role": "assistant", "tool_calls": [call]}
        self._event(_chunk(body, told, None))
        time.sleep(pause)

    def _event(self, told: Json) -> None:
        self.wfile.write(f"data: {json.dumps(told)}\n\n".encode())
        self.wfile.flush()

    def log_message(self, *_: object) -> None: ...


def _object(body: Json, kind: str) -> Json:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": body.get("model")}


def _chunk(body: Json, delta: Json, reason: str | None) -> Json:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    return _object(body, "chat.completion.chunk") | {"choices": [choice]}


def _usage(text: str) -> Json:
    return {"prompt_tokens": 1000, "completion_tokens": len(text) // 4, "total_tokens": 1000}
