"""`virgolette mcp`: starts the server for programs."""

from __future__ import annotations

import socket
import sys

from bot.compose import composed
from bot.settings import Settings
from bot.terminal.output import localized
from index.errors import UsageError


def run_mcp(settings: Settings, port: int | None) -> None:
    """Serve stdin and stdout, or HTTP on a port. Raises UsageError: the SDK or the port lacks."""
    try:
        from bot.mcp.server import HOST, serve
    except ModuleNotFoundError as error:
        raise UsageError("virgolette mcp needs a package: pip install '.[mcp]'") from error
    if port is not None:
        _require_free(HOST, port)
        _notify(f"serving on http://{HOST}:{port}/mcp")
    elif sys.stdin and sys.stdin.isatty():
        _notify("a program writes here, not a person; Ctrl-C ends it")
    with composed(settings, chat=False, preload=False) as parts:
        serve(parts, settings, port)


def _notify(text: str) -> None:
    print(localized(text), file=sys.stderr, flush=True)


def _require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UsageError(f"port {port} of {host} is not free: {error.strerror}") from error
