"""The vectors on a Chroma server: a real one, on loopback, that is killed and restarted."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest

from index.building.sync import sync
from index.doctor import REBUILD, Doctor
from index.errors import StorageError
from index.generations.chroma import PassageVectors, write_vectors
from index.generations.current import CurrentIndex
from index.generations.layout import (
    BUILDING,
    ChromaServer,
    Locations,
    VectorLocation,
    generations_dir,
)
from index.generations.pointer import current_name, discard
from index.models.embedder import Embedder
from retrieval.answer import Question
from retrieval.chain import AnswerChain
from tests.conftest import TRAIN, Workplace
from tests.contents import contents

pytestmark = pytest.mark.slow

FORUM = "Il forum di Vladivostok finisce il 13 settembre. Putin è già arrivato."


class Server:
    """A `chroma run` of the suite's own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        code = "import sys, chromadb_rust_bindings as chroma; chroma.cli(['chroma', *sys.argv[1:]])"
        where = ["--path", str(self._path), "--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", code, "run", *where],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._path.parent,
            env={name: value for name, value in os.environ.items() if "CHROMA" not in name},
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/api/v2/heartbeat", trust_env=False).raise_for_status()
                return
            except httpx.HTTPError:
                time.sleep(0.05)
        raise TimeoutError("chroma run does not answer")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def collections(self) -> list[str]:
        place = "api/v2/tenants/default_tenant/databases/default_database/collections"
        told = httpx.get(f"{self.url}/{place}", trust_env=False).json()
        return sorted(collection["name"] for collection in told)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "server")
    yield running
    running.kill()


def on(server: Server, place: Workplace, patience: float = 60) -> Locations:
    return Locations(place.corpus, place.data, server=ChromaServer(server.url, patience=patience))


def test_a_generation_on_a_server_is_what_it_is_here(
    empty_place: Workplace, embedder: Embedder, server: Server
) -> None:
    empty_place.write("a.txt", TRAIN)
    paths = on(server, empty_place)
    sync(paths, embedder)
    empty_place.write("b.txt", FORUM)
    report = sync(paths, embedder)
    assert report.embedded == 3 and sync(paths, embedder).unchanged
    assert server.collections() == [f"virgolette-{report.generation}"]
    assert not (generations_dir(empty_place.data) / report.generation / "chroma").exists()
    here = Locations(empty_place.corpus, empty_place.path / "here")
    sync(here, embedder)
    assert contents(empty_place.data, paths.server).same_as(contents(here.data_dir))
    assert [f for f in Doctor(paths, embedder).examine() if f.trouble] == []


def test_the_command_line_moves_there_and_back(train_place: Workplace, server: Server) -> None:
    there = {"VIRGOLETTE_CHROMA_URL": server.url}
    moved = train_place.run("index", **there)
    assert "built differently (vectors)" in moved.stdout and "0 texts embedded" in moved.stdout
    question = "Da dove è partito il treno blindato?"
    assert "Pyongyang" in train_place.run("ask", question, **there).stdout
    lost = train_place.run("ask", question)
    assert lost.returncode == 1 and "set VIRGOLETTE_CHROMA_URL" in lost.stderr
    server.kill()
    down = train_place.run("ask", question, **there)
    assert down.returncode == 1 and server.url in down.stderr
    assert len(down.stderr.strip().splitlines()) == 1
    assert train_place.run("index").returncode == 0  # back again, though the server is away
    assert contents(train_place.data).passages


def test_old_generations_go_where_they_are_not_where_new_ones_would_be(
    train_place: Workplace,
    embedder: Embedder,
    server: Server,
    caplog: pytest.LogCaptureFixture,
) -> None:
    here, there = Locations(train_place.corpus, train_place.data), on(server, train_place)
    embedded = str(current_name(train_place.data))
    away = ChromaServer("http://127.0.0.1:9")
    (train_place.data / "current").unlink()
    assert discard(train_place.data, embedded, away)
    assert list(generations_dir(train_place.data).iterdir()) == []
    sync(there, embedder)
    sync(here, embedder)
    assert server.collections() == []
    moved = sync(there, embedder).generation
    server.kill()
    last = sync(here, embedder).generation
    assert f"delete its collection virgolette-{moved}" in caplog.text
    assert [p.name for p in generations_dir(train_place.data).iterdir()] == [last]


def test_a_server_that_is_killed_in_mid_write_is_waited_for(
    empty_place: Workplace, embedder: Embedder, server: Server
) -> None:
    empty_place.write("a.txt", TRAIN)
    paths = on(server, empty_place)
    first = sync(paths, embedder).generation
    for number in range(510):  # more than one request
        empty_place.write(f"{number}.txt", f"Numero {number}.")
    here = Locations(empty_place.corpus, empty_place.data)
    sync(here, embedder)  # so that the vectors are known, and writing follows at once
    expected = contents(empty_place.data)
    index = CurrentIndex(empty_place.data, paths.server)

    def restart() -> None:
        while f"virgolette-{first}" in server.collections() and len(server.collections()) < 2:
            time.sleep(0.002)
        server.kill()
        time.sleep(1)
        server.start()

    killer = threading.Thread(target=restart)
    killer.start()
    report = sync(paths, embedder)
    killer.join()
    assert report.embedded == 0
    with index.reading() as generation:
        assert generation is not None and generation.name == report.generation
    assert contents(empty_place.data, paths.server).same_as(expected)
    index.close()


def test_a_server_that_accepts_and_stays_silent_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        place = VectorLocation(tmp_path, "x", ChromaServer(url, patience=0, timeout=0.2))
        with pytest.raises(StorageError, match="timed out"):
            PassageVectors(place)
        with pytest.raises(StorageError, match="timed out"):
            write_vectors(place, [], [], create=True)


def proxy(statuses: list[int], asked: list[str]) -> HTTPServer:
    """A server on loopback that answers with these statuses, the last one again and again."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.end_headers()
            self.wfile.write(b"<html>\n<b>Not Chroma</b>\n</html>")

        def log_message(self, *_: object) -> None: ...

    running = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    return running


def test_a_proxy_without_its_server_is_waited_for_and_told_in_a_line(tmp_path: Path) -> None:
    asked: list[str] = []
    with proxy([502, 503, 504, 418], asked) as running:
        place = VectorLocation(
            tmp_path, "x", ChromaServer(f"http://127.0.0.1:{running.server_port}")
        )
        with pytest.raises(StorageError, match=r"cannot be used \(HTTP 418\)"):
            write_vectors(place, [], [], create=True)
        running.shutdown()
    assert len(asked) == 4


def test_a_server_that_stays_away_leaves_the_index_as_it_was(
    empty_place: Workplace, embedder: Embedder, server: Server
) -> None:
    empty_place.write("a.txt", TRAIN)
    paths = on(server, empty_place, patience=1)
    first = sync(paths, embedder).generation
    index = CurrentIndex(empty_place.data, paths.server)
    chain = AnswerChain(index, embedder)
    question = Question.parse("Da dove è partito il treno blindato?")
    assert chain.invoke(question).quotes
    server.kill()
    with pytest.raises(StorageError, match=server.url):
        chain.invoke(question)
    empty_place.write("b.txt", FORUM)
    with pytest.raises(StorageError, match="VIRGOLETTE_CHROMA_URL"):
        sync(paths, embedder)
    assert current_name(empty_place.data) == first
    remedies = {f.name: f.remedy for f in Doctor(paths, embedder).examine() if f.trouble}
    assert "VIRGOLETTE_CHROMA_URL" in remedies["generation"] and REBUILD not in remedies.values()
    server.start()
    assert chain.invoke(question).quotes  # it is back, and nothing was lost
    report = sync(paths, embedder)
    assert not any(generations_dir(empty_place.data).glob(f"{BUILDING}*"))
    assert server.collections() == [f"virgolette-{first}", f"virgolette-{report.generation}"]
    assert chain.invoke(question).generation == report.generation
    assert server.collections() == [f"virgolette-{report.generation}"]
    index.close()
