"""A run that is killed, or whose writes fail, loses nothing."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from index.building.sync import sync
from index.generations.current import CurrentIndex
from index.generations.layout import BUILDING, Locations, generations_dir
from index.generations.pointer import current_name
from index.models.embedder import Embedder
from retrieval.answer import Question
from retrieval.answering.quotations import is_verbatim
from retrieval.chain import AnswerChain
from tests.conftest import ROOT, Workplace
from tests.contents import contents

FILES = 300
CITIES = "Roma Milano Napoli Torino Palermo Genova Bologna Firenze Bari Catania".split()
NAMES = "Ada Bruno Carla Dario Elena Fabio Gina Ivo Lia Marco".split()
DEEDS = "ha inaugurato una scuola", "ha chiuso il porto", "ha scritto un romanzo"


def news() -> list[str]:
    """Texts of two sentences, all different, out of few sentences: quick to embed."""
    first = [f"{name} {deed}." for name in NAMES for deed in DEEDS]
    second = [f"È successo a {city}." for city in CITIES]
    return [f"{one} {other}" for one in first for other in second]


class Upheaval:
    """A corpus that changes at random, always out of the same texts: all vectors are known."""

    def __init__(self, place: Workplace, seed: int) -> None:
        self._place, self._texts = place, news()
        self.random = random.Random(seed)
        for number in range(FILES):
            place.write(f"{number:03}.txt", self._texts[number])

    def change(self) -> None:
        """Edit, remove, add and rename some files."""
        for _ in range(self.random.randint(1, 12)):
            files = sorted(self._place.corpus.iterdir())
            file, text = self.random.choice(files), self.random.choice(self._texts)
            match self.random.choice(["edit", "edit", "remove", "add", "rename", "title"]):
                case "edit":
                    file.write_text(text)
                case "remove" if len(files) > FILES - 30:
                    file.unlink()
                case "add":
                    self._place.write(f"{self.random.randrange(10**6)}.txt", text)
                case "rename":
                    file.rename(file.with_name(f"{self.random.randrange(10**6)}.txt"))
                case "title":
                    file.write_text(f"---\ntitle: Titolo {self.random.randrange(9)}\n---\n{text}")


class Indexing:
    """A `virgolette index` of its own, to be killed."""

    def __init__(self, place: Workplace) -> None:
        command, environment = place.command()
        self._data = place.data
        self._before = current_name(place.data)
        self._left_over = self._building()
        self._process = subprocess.Popen(
            [*command, "index", "--json"],
            cwd=place.path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait_for_first_write(self) -> None:
        while self._process.poll() is None and not self._has_written():
            time.sleep(0.001)

    def wait_for_switch(self, seconds: float) -> float:
        """Seconds until the pointer was switched; at most so many, plus a moment."""
        started = time.monotonic()
        while (spent := time.monotonic() - started) < seconds and not self._is_switched():
            time.sleep(0.001)
        return spent

    def kill(self, how: signal.Signals) -> bool:
        """Whether it was between the first write and the switch of the pointer."""
        written = self._has_written()
        self._process.send_signal(how)
        self._process.wait()
        return written and not self._is_switched()

    def wait(self) -> int:
        return self._process.wait()

    def _is_switched(self) -> bool:
        return current_name(self._data) != self._before

    def _has_written(self) -> bool:
        return bool(self._building() - self._left_over)

    def _building(self) -> set[Path]:
        return set(generations_dir(self._data).glob(f"{BUILDING}*"))


def survives(place: Workplace, chain: AnswerChain) -> None:
    """The generation in place answers, verbatim."""
    answer = chain.invoke(Question.parse("Che cosa ha fatto Carla a Napoli?"))
    quotes = answer.quotes or answer.near
    assert answer.generation == current_name(place.data) and quotes
    index = CurrentIndex(place.data)
    with index.reading() as generation:
        assert generation is not None
        assert all(is_verbatim(quote, generation) for quote in quotes)
    index.close()


def killed(place: Workplace, embedder: Embedder, kills: int, seed: int) -> None:
    upheaval = Upheaval(place, seed)
    sync(Locations(place.corpus, place.data), embedder)
    upheaval.change()
    run = Indexing(place)
    run.wait_for_first_write()
    writing = run.wait_for_switch(60)
    assert run.wait() == 0
    index = CurrentIndex(place.data)
    chain = AnswerChain(index, embedder)
    between = 0
    for kill in range(kills):
        upheaval.change()
        run = Indexing(place)
        if kill % 5 == 0:  # at any moment, from the start of the process to its end
            time.sleep(upheaval.random.uniform(0, 2 * writing))
        else:
            run.wait_for_first_write()
            spent = run.wait_for_switch(moment := upheaval.random.uniform(0, writing))
            # A run that switched sooner tells how long writing takes on a less busy machine.
            writing = spent if spent < moment else writing
        between += run.kill(
            upheaval.random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        )
        survives(place, chain)
    index.close()
    assert between >= kills / 2
    assert Indexing(place).wait() == 0
    assert not any(generations_dir(place.data).glob(f"{BUILDING}*"))
    same_as_fresh(place, embedder)


def same_as_fresh(place: Workplace, embedder: Embedder) -> None:
    fresh = place.path / "fresh"
    sync(Locations(place.corpus, fresh), embedder)
    assert contents(place.data).same_as(contents(fresh))


def test_six_kills_lose_nothing(empty_place: Workplace, embedder: Embedder) -> None:
    killed(empty_place, embedder, kills=6, seed=1)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_kills_lose_nothing(empty_place: Workplace, embedder: Embedder) -> None:
    killed(empty_place, embedder, kills=100, seed=2)


def failing_writes(limit: int) -> None:
    """Let every file of this process fail to grow beyond so many bytes, as a full disk does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


FULL_DISK = """
mount -t tmpfs -o size=1m none "$0" || { echo no disk of its own; exit; }
exec "$1" -c "
import numpy, pathlib, sys
from index.generations.generation import write_rows
blocks = (numpy.ones((500, 384), numpy.float32) for _ in range(4))
try:
    write_rows(pathlib.Path(sys.argv[1], 'rows.npy'), numpy.float16, (2000, 384), blocks)
except OSError as error:
    print(error.strerror)" "$0"
"""


def test_rows_on_a_full_disk_are_an_error_and_no_signal(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("a small disk is made in a name space of its own")
    done = subprocess.run(
        [unshare, "-rm", "sh", "-c", FULL_DISK, str(tmp_path), sys.executable],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "no disk of its own" in done.stdout or "unshare" in done.stderr:
        pytest.skip("this system gives nobody a disk of its own")
    assert (done.stdout, done.returncode) == ("No space left on device\n", 0), done.stderr


@pytest.fixture(scope="module")
def some_news(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with some texts and their index."""
    folder = tmp_path_factory.mktemp("news")
    (folder / "corpus").mkdir()
    for number, text in enumerate(news()[::7]):
        (folder / "corpus" / f"{number:03}.txt").write_text(text)
    sync(Locations(folder / "corpus", folder / "data"), embedder)
    return folder


@pytest.mark.parametrize("limit", [100, 40_000, 150_000])
def test_a_write_that_fails_leaves_the_index_as_it_was(
    empty_place: Workplace, embedder: Embedder, some_news: Path, limit: int
) -> None:
    shutil.copytree(some_news, empty_place.path, dirs_exist_ok=True)
    before, held = current_name(empty_place.data), contents(empty_place.data)
    for number, text in enumerate(news()[7::7]):  # known texts: the model is not even loaded
        empty_place.write(f"{number:03}.txt", text)
    command, environment = empty_place.command()
    done = subprocess.run(
        [*command, "index"],
        cwd=empty_place.path,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: failing_writes(limit),
        check=False,
    )
    assert done.returncode == 1, done.stdout
    (line,) = done.stderr.strip().splitlines()
    assert (line.startswith("virgolette: ") and "VIRGOLETTE_DATA_DIR" in line) or "Chroma" in line
    assert current_name(empty_place.data) == before
    assert contents(empty_place.data).same_as(held)
    assert Indexing(empty_place).wait() == 0
    same_as_fresh(empty_place, embedder)
