"""`virgolette mcp` as an assistant uses it: the SDK's own client, a real process, a real index."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.conftest import ROOT, Workplace

QUESTION = "Dove va il treno blindato?"
SENTENCE = "Kim Jong-un ha intenzione di recarsi in Russia questo mese"
SLICE = {"text", "article", "source", "title", "date", "url", "link", "start", "end", "sha256"}
Call = Callable[..., Awaitable[Any]]

pytestmark = pytest.mark.slow


def converse(place: Workplace, talk: Callable[[Client, Call], Awaitable[None]]) -> str:
    """Let a client talk with the server; what the server wrote to standard error."""
    log = place.path / "mcp.log"

    async def session() -> None:
        (command, *arguments), environment = place.command()
        server = StdioServerParameters(
            command=command, args=[*arguments, "mcp"], env=environment, cwd=place.path
        )
        with log.open("w") as errors:
            async with Client(stdio_client(server, errors)) as client:

                async def call(tool: str, **arguments: Any) -> Any:
                    result = await client.call_tool(tool, arguments)
                    if result.is_error:
                        return result.content[0].text  # type: ignore[union-attr]
                    return result.structured_content

                await talk(client, call)

    asyncio.run(asyncio.wait_for(session(), 120))
    return log.read_text()


def test_an_assistant_asks_and_verifies(indexed_place: Workplace) -> None:
    async def talk(client: Client, call: Call) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"ask", "verify_quote", "search", "show_article", "list_articles"}
        for tool in tools.values():
            assert tool.annotations and tool.annotations.read_only_hint
            assert tool.output_schema and tool.description and len(tool.description) > 100

        listed = await call("list_articles", limit=2)
        assert listed["total"] == 5 and len(listed["articles"]) == 2 and listed["next_offset"] == 2
        rest = await call("list_articles", offset=2)
        assert len(rest["articles"]) == 3 and rest["next_offset"] is None

        answer = await call("ask", question=QUESTION)
        assert answer["answer"] == "Vladivostok" and not answer["refused"]
        found = await call("search", query=QUESTION, limit=3)
        assert len(found["passages"]) == 3
        for quote in (*answer["quotes"], *found["passages"]):
            assert set(quote) >= SLICE
            article = await call("show_article", article=quote["article"], length=20_000)
            assert article["text"][quote["start"] : quote["end"]] == quote["text"]
            assert article["sha256"] == quote["sha256"]

        first = await call("show_article", article="Mosca chiede armi", length=100)
        following = await call("show_article", article=str(first["number"]), start=100, length=50)
        whole = await call("show_article", article=first["article"])
        assert first["text"] + following["text"] == whole["text"][:150]
        assert first["next_start"] == 100 and first["length"] == len(whole["text"])

        listed = await call("ask", question="Elenca tutte le armi")
        assert len(listed["quotes"]) > 5, "more than a page"
        (nearest,) = (await call("search", query=QUESTION, limit=1, until="2020-01-01"))["passages"]
        assert nearest["head"] is None and nearest["dating"] is None
        timeline = await call("ask", question="Cronologia di Kim Jong-un")
        days = [quote["dating"]["day"] for quote in timeline["quotes"]]
        assert days == ["2019-04", "2019-04", "--06-12"]

        limited = await call("ask", question=QUESTION, outlet="agenpress")
        assert {quote["source"] for quote in limited["quotes"]} == {"AgenPress"}
        refused = await call("ask", question="Qual è la capitale dell'Australia?", language="en")
        assert refused["refused"] and refused["reason"] == "nothing_found"
        assert refused["message"] == "No article names “Australia”." and refused["quotes"] == []

        true = await call("verify_quote", quote=SENTENCE)
        assert true["verdict"] == "verbatim" and true["quotes"][0]["text"] == SENTENCE
        altered = await call("verify_quote", quote=SENTENCE.replace("Russia", "Cina"))
        assert altered["verdict"] == "altered"
        (change,) = altered["differences"]
        assert (change["said"], change["written"]) == ("Cina", "Russia")
        elsewhere = await call("verify_quote", quote=SENTENCE, outlet="AgenPress")
        assert (elsewhere["verdict"], elsewhere["elsewhere"]) == ("elsewhere", ["AgenPress"])

    assert converse(indexed_place, talk) == ""


def test_an_impossible_call_says_what_is_possible(indexed_place: Workplace) -> None:
    async def talk(_: Client, call: Call) -> None:
        assert "there are: AgenPress" in await call("ask", question=QUESTION, outlet="Le Monde")
        assert "list_articles" in await call("show_article", article="not there")
        several = await call("show_article", article="Kim")
        assert "fits several articles" in several and "2 Cremlino" in several
        assert "characters" in await call("show_article", article="1", start=10**6)
        assert "1000 characters" in await call("ask", question="x" * 1001)
        assert "the question is empty" in await call("ask", question="\u200b.")
        assert "less than or equal to 20" in await call("search", query="treno", limit=10**9)
        assert "valid date" in await call("search", query="treno", since="ieri")
        assert "after until" in await call(
            "search", query="x", since="2024-01-02", until="2024-01-01"
        )
        assert "give a sentence" in await call("verify_quote", quote="…")

    assert converse(indexed_place, talk) == ""


def test_a_rebuilt_index_is_followed_and_a_missing_one_is_named(
    empty_place: Workplace, data_dir: Path
) -> None:
    async def talk(_: Client, call: Call) -> None:
        for tool, argument in (("ask", "question"), ("verify_quote", "quote"), ("search", "query")):
            assert "run virgolette index" in await call(tool, **{argument: QUESTION})
        assert "run virgolette index" in await call("list_articles")
        shutil.copytree(data_dir, empty_place.data, dirs_exist_ok=True)
        shutil.copytree(ROOT / "corpus", empty_place.corpus, dirs_exist_ok=True)
        quote = (await call("verify_quote", quote=SENTENCE))["quotes"][0]
        (empty_place.corpus / quote["article"]).unlink()
        assert empty_place.run("index").returncode == 0
        assert (await call("list_articles"))["total"] == 4
        assert (await call("verify_quote", quote=SENTENCE))["verdict"] != "verbatim"

    assert converse(empty_place, talk) == ""


def started(place: Workplace, *arguments: str) -> subprocess.Popen[str]:
    command, environment = place.command()
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*command, "mcp", *arguments], cwd=place.path, env=environment,
        stdin=pipe, stdout=pipe, stderr=pipe, text=True,
    )  # fmt: skip


def request(server: subprocess.Popen[str], number: int, method: str, **parameters: Any) -> Any:
    assert server.stdin and server.stdout
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": parameters}
    server.stdin.write(json.dumps(message) + "\n")
    server.stdin.flush()
    return json.loads(server.stdout.readline())["result"]


def test_output_is_the_protocol_and_no_model_is_loaded_to_verify(indexed_place: Workplace) -> None:
    server = started(indexed_place)
    assert server.stdin and server.stdout and server.stderr
    client = {"name": "test", "version": "1"}
    told = request(
        server, 1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client
    )
    assert told["serverInfo"]["name"] == "virgolette" and "verify_quote" in told["instructions"]
    server.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\nnot JSON\n')
    call = {"name": "verify_quote", "arguments": {"quote": SENTENCE}}
    verified = request(server, 2, "tools/call", **call)
    assert verified["structuredContent"]["verdict"] == "verbatim"
    loaded = Path(f"/proc/{server.pid}/maps").read_text()
    assert "onnxruntime" not in loaded and "torch" not in loaded
    asked = request(server, 3, "tools/call", name="ask", arguments={"question": QUESTION})
    assert asked["structuredContent"]["answer"] == "Vladivostok"
    rest, _ = server.communicate(timeout=30)
    assert rest == "" and server.returncode == 0


def test_ctrl_c_ends_it(indexed_place: Workplace) -> None:
    server = started(indexed_place)
    client = {"name": "test", "version": "1"}
    request(
        server, 1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client
    )
    server.send_signal(signal.SIGINT)
    assert server.wait(10) == -signal.SIGINT
    assert server.communicate()[1] == ""


def test_http_is_for_this_machine_alone(indexed_place: Workplace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = indexed_place.run("mcp", "--http", port)
        assert done.returncode == 2 and f"port {port} of 127.0.0.1 is not free" in done.stderr
    server = started(indexed_place, "--http", port)
    try:
        assert server.stderr and f"http://127.0.0.1:{port}/mcp" in server.stderr.readline()

        async def session() -> None:
            async with Client(f"http://127.0.0.1:{port}/mcp") as client:
                result = await client.call_tool("list_articles", {})
                assert result.structured_content and result.structured_content["total"] == 5

        while server.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                    break
            time.sleep(0.1)
        asyncio.run(asyncio.wait_for(session(), 60))
    finally:
        server.kill()
        server.communicate()


def test_without_the_sdk_it_says_what_to_install(indexed_place: Workplace) -> None:
    code = (
        "import sys; sys.modules['mcp'] = None; sys.argv = ['virgolette', 'mcp'];"
        "from bot.terminal.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=indexed_place.command()[1], cwd=indexed_place.path,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == "virgolette: virgolette mcp needs a package: pip install '.[mcp]'\n"
