"""What the tests share: the real model, a real index of the five articles, real processes."""

from __future__ import annotations

import json
import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import pytest

from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.generations.layout import Locations, generations_dir
from index.generations.pointer import current_name
from index.models.embedder import Embedder
from index.models.runtime import fast_dtype
from retrieval.answer import Answer, Question
from retrieval.answering.reader import Reader
from retrieval.chain import AnswerChain
from tests.warm import Process, Warm

ROOT = Path(__file__).parent.parent
OFFLINE = Path(__file__).parent / "offline"
TRAIN = "Il treno blindato è partito da Pyongyang. Arriverà a Vladivostok martedì."
ITALIAN = {"LANG": "it_IT.UTF-8"}  # the environment of an Italian user
NOT_FAST = frozenset({"embedder", "reader", "data_dir", "stock", "warm"})  # fixtures
runpy.run_path(str(OFFLINE / "sitecustomize.py"))  # forbids the network in this process too


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model as a directory that sentence-transformers loads by itself."""
    fast_dtype()  # before torch is imported
    from training.stock import write_stock

    return write_stock(tmp_path_factory.mktemp("stock"))


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The default model."""
    return Embedder()


@pytest.fixture(scope="session")
def data_dir(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the index of ``corpus/``. Tests that write have copies of it."""
    directory = tmp_path_factory.mktemp("data")
    sync(Locations(ROOT / "corpus", directory), embedder)
    return directory


@pytest.fixture(scope="session")
def generation(data_dir: Path) -> Iterator[Generation]:
    """The open index of ``corpus/``."""
    opened = Generation(generations_dir(data_dir) / str(current_name(data_dir)))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def reader(embedder: Embedder) -> Reader:
    """The reader that travels with Virgolette."""
    return Reader(embedder.encoder)


@pytest.fixture(scope="session")
def chain(data_dir: Path, embedder: Embedder, reader: Reader) -> Iterator[AnswerChain]:
    """The chain over the index of ``corpus/``."""
    index = CurrentIndex(data_dir)
    yield AnswerChain(index, embedder, reader)
    index.close()


@pytest.fixture(scope="session")
def ask(chain: AnswerChain) -> Any:
    """A function from the text of a question to its answer."""

    def answer(text: str) -> Answer:
        return chain.invoke(Question.parse(text))

    return answer


@dataclass(frozen=True)
class Workplace:
    """A folder of its own with a corpus and a data folder, and the command line in it."""

    path: Path
    warm: Warm
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def corpus(self) -> Path:
        return self.path / "corpus"

    @property
    def data(self) -> Path:
        return self.path / "data"

    def write(self, name: str, content: str | bytes) -> Path:
        """Put a file into the corpus."""
        file = self.corpus / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def command(self) -> tuple[list[str], dict[str, str]]:
        """The start of a command line as users start it, and the environment it runs in."""
        return [sys.executable, "-m", "bot.terminal.cli"], {
            **variables(),
            "HOME": str(self.path),
            **self.environment,
        }

    def start(
        self, *arguments: str, stdin: int, stdout: IO[Any], stderr: IO[Any], **environment: str
    ) -> Process:
        """Start a command that finds the model's libraries imported."""
        told = {**self.command()[1], **environment}
        streams = [stdin, stdout.fileno(), stderr.fileno()]
        return self.warm.start(arguments, self.path, told, streams)

    def run(
        self, *arguments: str, stdin: str | bytes = b"", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        read, write = os.pipe()
        with os.fdopen(read, "rb") as typed, TemporaryFile() as out, TemporaryFile() as errors:
            with os.fdopen(write, "wb") as keys:  # what is typed has room in the pipe
                keys.write(stdin.encode() if isinstance(stdin, str) else stdin)
            process = self.start(
                *arguments, stdin=typed.fileno(), stdout=out, stderr=errors, **environment
            )
            try:
                code = process.wait(120)
            finally:
                process.kill()
            out.seek(0)
            errors.seek(0)
            told = out.read().decode(), errors.read().decode()
        return subprocess.CompletedProcess(arguments, code, *told)

    def json(self, *arguments: str, stdin: str = "") -> list[dict[str, Any]]:
        """Run a command that prints a JSON object a line."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


def variables() -> dict[str, str]:
    """An environment without settings of Virgolette, for processes that may use no network.

    Its locale is C: what the command line says of itself is English.
    """
    left_out = ("VIRGOLETTE_", "LC_", "LANGUAGE")
    kept = {n: v for n, v in os.environ.items() if not n.upper().startswith(left_out)}
    return {**kept, "LANG": "C.UTF-8", "PYTHONPATH": f"{OFFLINE}"}


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """What starts commands without a wait."""
    with Warm(variables()) as started:
        yield started


@pytest.fixture
def empty_place(tmp_path: Path, warm: Warm) -> Workplace:
    """An empty corpus and no index."""
    place = Workplace(tmp_path, warm)
    place.corpus.mkdir()
    place.data.mkdir()
    return place


@pytest.fixture
def indexed_place(tmp_path: Path, data_dir: Path, warm: Warm) -> Workplace:
    """The five articles with their index: copies, which no other test sees."""
    return indexed_workplace(tmp_path, data_dir, warm)


@pytest.fixture(scope="session")
def train_dir(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of one short article with its index. Tests have copies of it."""
    directory = tmp_path_factory.mktemp("train")
    (directory / "corpus").mkdir()
    (directory / "corpus" / "a.txt").write_text(TRAIN)
    sync(Locations(directory / "corpus", directory / "data"), embedder)
    return directory


@pytest.fixture
def train_place(tmp_path: Path, train_dir: Path, warm: Warm) -> Workplace:
    """A copy of TRAIN in a.txt with its index."""
    shutil.copytree(train_dir, tmp_path, dirs_exist_ok=True)
    return Workplace(tmp_path, warm)


def indexed_workplace(path: Path, data_dir: Path, warm: Warm) -> Workplace:
    """A folder with copies of the five articles and of their index; the model is shared."""
    shutil.copytree(ROOT / "corpus", path / "corpus")
    shutil.copytree(data_dir, path / "data")
    return Workplace(path, warm)


@pytest.fixture(scope="session")
def bot(data_dir: Path, warm: Warm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One bot for the tests that leave it as they found it."""
    from tests.bot_api import FakeBotApi
    from tests.running_bot import Bot

    place = indexed_workplace(tmp_path_factory.mktemp("bot"), data_dir, warm)
    with FakeBotApi() as api:
        running = Bot(
            place, api, VIRGOLETTE_WATCH="false", VIRGOLETTE_TELEGRAM_QUESTIONS_PER_HOUR="0"
        )
        yield running
        assert running.stop() == 0
        assert api.refusals == []
        assert api.token not in running.log.read_text()
        assert "Traceback" not in running.log.read_text()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what loads a model or starts a process: make test-fast leaves it out."""
    for item in items:
        if not NOT_FAST.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
