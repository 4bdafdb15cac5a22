"""The doctor finds what is wrong, and repairs it."""

from __future__ import annotations

import fcntl
import shutil
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from index.building.sync import sync
from index.doctor import Doctor
from index.generations.layout import Locations, generations_dir
from index.generations.pointer import current_name, write_lock
from index.models.embedder import Embedder
from tests.conftest import TRAIN, Workplace
from tests.contents import Contents, contents


def generation(place: Workplace) -> Path:
    return generations_dir(place.data) / str(current_name(place.data))


def point_nowhere(place: Workplace) -> None:
    (place.data / "current").write_text("20200101T000000-abcdef\n")


def garbage_pointer(place: Workplace) -> None:
    (place.data / "current").write_bytes(b"\xff\0x")


def no_pointer(place: Workplace) -> None:
    (place.data / "current").unlink()


def no_manifest(place: Workplace) -> None:
    (generation(place) / "manifest.json").write_text("{")


def no_chroma(place: Workplace) -> None:
    shutil.rmtree(generation(place) / "chroma")


def other_ids(place: Workplace) -> None:
    with sqlite3.connect(generation(place) / "store.sqlite3") as database:
        database.execute("UPDATE passages SET id = 'another' WHERE row = 1")


def lost_article(place: Workplace) -> None:
    with sqlite3.connect(generation(place) / "store.sqlite3") as database:
        database.execute("DELETE FROM articles WHERE path = 'b.txt'")


def other_keywords(place: Workplace) -> None:
    file = generation(place) / "keywords" / "starts.npy"
    starts = np.load(file)
    np.save(file, [*starts, starts[-1]])  # a row more


def broken_cache(place: Workplace) -> None:
    for suffix in ("-wal", "-shm"):
        (place.data / f"vectors.sqlite3{suffix}").unlink(missing_ok=True)
    (place.data / "vectors.sqlite3").write_bytes(b"no database" * 1000)


def changed_corpus(place: Workplace) -> None:
    place.write("c.txt", TRAIN + " Ma non oggi.")


DAMAGE: list[tuple[Callable[[Workplace], None], str]] = [
    (point_nowhere, "pointer"),
    (no_pointer, "pointer"),
    (garbage_pointer, "pointer"),
    (no_manifest, "manifest"),
    (no_chroma, "generation"),
    (other_ids, "generation"),
    (lost_article, "generation"),
    (other_keywords, "generation"),
    (broken_cache, "vector cache"),
    (changed_corpus, "up to date"),
]


@pytest.fixture(scope="module")
def sound(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Contents]:
    """Two articles with their index, and what that holds."""
    folder = tmp_path_factory.mktemp("sound")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "a.txt").write_text(TRAIN)
    (folder / "corpus" / "b.txt").write_text(TRAIN + " Forse.")
    sync(Locations(folder / "corpus", folder / "data"), embedder)
    return folder, contents(folder / "data")


@pytest.mark.parametrize(
    ("damage", "name"), DAMAGE, ids=lambda value: getattr(value, "__name__", "")
)
def test_damage_is_found_and_repaired(
    empty_place: Workplace,
    embedder: Embedder,
    sound: tuple[Path, Contents],
    damage: Callable[[Workplace], None],
    name: str,
) -> None:
    folder, whole = sound
    shutil.copytree(folder, empty_place.path, dirs_exist_ok=True)
    doctor = Doctor(Locations(empty_place.corpus, empty_place.data), embedder)
    damage(empty_place)
    found = {finding.name: finding for finding in doctor.examine() if finding.trouble}
    assert name in found and found[name].remedy.removeprefix("run ").startswith("virgolette ")
    doctor.repair()
    assert [finding for finding in doctor.examine() if finding.trouble] == []
    if damage is not changed_corpus:
        assert contents(empty_place.data).same_as(whole)


def test_the_lock_is_looked_at_without_keeping_a_writer_out(
    train_place: Workplace, embedder: Embedder
) -> None:
    paths = Locations(train_place.corpus, train_place.data)
    (train_place.data / "lock.json").write_text('{"pid": 1, "since": "long ago"}')  # it died
    taken: list[int] = []
    listening = True

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "fcntl.flock" and arguments[1] & fcntl.LOCK_EX:
            taken.append(arguments[1])

    sys.addaudithook(hear)  # stays, deaf
    assert [f for f in Doctor(paths, embedder).examine() if f.trouble] == []
    listening = False
    assert taken == []


def test_who_holds_the_lock_is_told(train_place: Workplace, embedder: Embedder) -> None:
    paths = Locations(train_place.corpus, train_place.data)
    with write_lock(train_place.data):
        told = {finding.name: finding.trouble for finding in Doctor(paths, embedder).examine()}
    assert "is being written by process" in told["lock"]


def test_without_an_index_it_says_what_to_do(empty_place: Workplace) -> None:
    empty_place.write("a.txt", TRAIN)
    done = empty_place.run("doctor")
    assert done.returncode == 1
    assert "! pointer       there is no index yet: run virgolette index" in done.stdout
    (told,) = empty_place.run("doctor", "--json").stdout.splitlines()
    assert '"sound": false' in told


def test_a_repair_forgets_vectors_that_nothing_needs(
    empty_place: Workplace, embedder: Embedder
) -> None:
    paths = Locations(empty_place.corpus, empty_place.data)
    empty_place.write("a.txt", TRAIN)
    empty_place.write("b.txt", "Un altro articolo, che poi sparisce.")
    sync(paths, embedder)
    (empty_place.corpus / "b.txt").unlink()
    Doctor(paths, embedder).repair()
    with sqlite3.connect(empty_place.data / "vectors.sqlite3") as cache:
        assert cache.execute("SELECT count(*) FROM vectors").fetchone() == (3,)
    assert sync(paths, embedder, rebuild=True).embedded == 0


def test_a_repair_removes_the_models_that_earlier_versions_unpacked(
    empty_place: Workplace, embedder: Embedder
) -> None:
    unpacked = empty_place.data / "models" / "default-f0590bab75e146f0-bfloat16"
    unpacked.mkdir(parents=True)
    (unpacked / "SHA256").write_text("{}")
    mine = empty_place.data / "models" / "mine"
    mine.mkdir()
    empty_place.write("a.txt", TRAIN)
    Doctor(Locations(empty_place.corpus, empty_place.data), embedder).repair()
    assert mine.exists() and not unpacked.exists()
