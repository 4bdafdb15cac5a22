"""A web site on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Write = Callable[[bytes], object]


@dataclass
class Page:
    """What an address answers; a function as body writes it bit by bit, and the head too."""

    body: bytes | str | Callable[[Write], None] = ""
    content_type: str | None = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """A running site: its pages by path, and what was asked of it."""

    port: int
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def redirect(self, path: str, to: str) -> None:
        self.pages[path] = Page(status=302, headers={"Location": to})


@contextmanager
def site() -> Iterator[Site]:
    """A site that is there for the length of a test."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            page = shown.pages.get(self.path, Page("not here", status=404))
            if callable(page.body):
                self.close_connection = True
                with suppress(OSError):  # the other side had enough
                    page.body(self.wfile.write)
                return
            body = page.body.encode() if isinstance(page.body, str) else page.body
            self.send_response(page.status)
            if page.content_type is not None:
                self.send_header("Content-Type", page.content_type)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    shown = Site(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield shown
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
