"""`virgolette mcp`: the archive as a server of the Model Context Protocol, read-only."""

from __future__ import annotations

import signal
from importlib.metadata import version

from mcp.server import MCPServer
from mcp_types import ToolAnnotations

from bot.compose import Parts
from bot.mcp.tools import Tools
from bot.settings import Settings

HOST = "127.0.0.1"  # there is no authentication: nobody else's machine gets in
INSTRUCTIONS = """\
Virgolette quotes a private archive of news articles letter by letter. Every text that its tools
return is an exact slice of a stored article, with its path, start, end and SHA-256. Nothing is
written, and nothing leaves the machine.

Ask with `ask`; where it refuses, say that the articles do not answer. Before you present words as
a quotation from these articles, or where the user asks whether one is genuine, check them with
`verify_quote`. Name outlet, title and day with each quotation, and never change its words."""
_TITLES = {
    "ask": "Ask the articles",
    "verify_quote": "Verify a quotation",
    "search": "Search passages",
    "show_article": "Read an article",
    "list_articles": "List the articles",
}


def make_server(parts: Parts, settings: Settings) -> MCPServer:
    """The server with its tools."""
    server = MCPServer(
        "virgolette",
        title="Virgolette",
        version=version("virgolette"),
        instructions=INSTRUCTIONS,
        log_level="WARNING",  # on standard error
        subscriptions=False,  # the tools stay as they are
    )
    tools = Tools(parts, settings)
    for name, title in _TITLES.items():
        annotations = ToolAnnotations(
            title=title, read_only_hint=True, idempotent_hint=True, open_world_hint=False
        )
        server.add_tool(getattr(tools, name), title=title, annotations=annotations)
    return server


def serve(parts: Parts, settings: Settings, port: int | None) -> None:
    """Serve until the client closes standard input; over HTTP, on a port of loopback, for good.

    A rebuilt index is followed. Over stdio, standard output carries nothing but the protocol.
    """
    # A thread that waits for input would keep Ctrl-C waiting, too; there is nothing to roll back.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    parts.index.follow()
    server = make_server(parts, settings)
    if port is None:
        server.run("stdio")
    else:
        server.run("streamable-http", host=HOST, port=port)
