"""The index is brought to the corpus, whole or not at all."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from index.articles.files import RACY_SECONDS
from index.building.helper import faults
from index.building.sync import Report, sync
from index.errors import BusyError, CorpusError, StorageError
from index.generations.current import CurrentIndex
from index.generations.generation import Generation
from index.generations.layout import CACHE, Locations, generations_dir
from index.generations.manifest import read_manifest
from index.generations.pointer import current_name, discard, held_current
from index.models.embedder import Embedder
from tests.conftest import TRAIN, Workplace

FORUM = "Il forum di Vladivostok finisce il 13 settembre. Putin è già arrivato."


def synced(
    place: Workplace, embedder: Embedder, *, rebuild: bool = False, allow_empty: bool = False
) -> Report:
    return sync(
        Locations(place.corpus, place.data), embedder, rebuild=rebuild, allow_empty=allow_empty
    )


def contents(place: Workplace) -> dict[str, tuple[str, str, int, int]]:
    """What the current generation holds, by passage id: article, text, offsets."""
    opened = Generation(generations_dir(place.data) / str(current_name(place.data)))
    stored = opened.store.passages(range(opened.size))
    assert faults(opened) == []
    found = {p.id: (p.article, p.text, p.start, p.end) for p in stored}
    opened.close()
    return found


def vectors(place: Workplace) -> NDArray[np.float32]:
    """The vectors of all passages, in the order of their ids."""
    opened = Generation(generations_dir(place.data) / str(current_name(place.data)))
    ids = sorted(passage.id for passage in opened.store.passages(range(opened.size)))
    told = [opened.vectors.cosines(axis, ids) for axis in np.eye(384, dtype=np.float32)]
    opened.close()
    return np.array([[cosines[i] for cosines in told] for i in ids], np.float32)


def test_a_run_tells_what_it_did(empty_place: Workplace, embedder: Embedder) -> None:
    empty_place.write("a.txt", TRAIN)
    empty_place.write("b.txt", FORUM)
    empty_place.write("c.docx", "x")
    first = synced(empty_place, embedder)
    assert first.added == ("a.txt", "b.txt")
    assert [s.path for s in first.skipped] == ["c.docx"]
    assert first.embedded == 6  # two passages, four sentences

    (empty_place.corpus / "a.txt").rename(empty_place.corpus / "z.txt")
    empty_place.write("b.txt", FORUM + " Kim no.")
    second = synced(empty_place, embedder)
    assert (second.added, second.changed, second.removed) == ((), ("b.txt",), ())
    assert second.renamed == (("a.txt", "z.txt"),)
    assert second.embedded == 2  # the passage that changed, and its new sentence

    (empty_place.corpus / "z.txt").unlink()
    assert synced(empty_place, embedder).removed == ("z.txt",)


def test_every_one_of_several_files_that_hold_the_same_is_told(
    empty_place: Workplace, embedder: Embedder
) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        empty_place.write(name, TRAIN)
    empty_place.write("z.txt", FORUM)
    synced(empty_place, embedder)
    for name in ("a.txt", "b.txt"):
        (empty_place.corpus / name).unlink()
    (empty_place.corpus / "c.txt").rename(empty_place.corpus / "d.txt")
    report = synced(empty_place, embedder)
    assert report.renamed == (("a.txt", "d.txt"),)
    assert report.removed == ("b.txt", "c.txt")


def test_an_unchanged_corpus_embeds_and_writes_nothing(
    empty_place: Workplace, embedder: Embedder
) -> None:
    empty_place.write("a.txt", TRAIN)
    synced(empty_place, embedder)
    before = snapshot(empty_place.data)
    report = synced(empty_place, embedder)
    assert report.unchanged and report.embedded == 0
    assert snapshot(empty_place.data) == before


def snapshot(data: Path) -> dict[str, int]:
    files = (path for path in data.rglob("*") if path.is_file() and path.name != "lock")
    return {str(path): path.stat().st_mtime_ns for path in files}


def test_an_edit_that_keeps_size_and_time_is_noticed(
    empty_place: Workplace, embedder: Embedder
) -> None:
    file = empty_place.write("a.txt", TRAIN)
    synced(empty_place, embedder)
    # Noted while it was young, it would be read anyway: that is not what is tested.
    old = time.time() - 100
    os.utime(file, (old, old))
    time.sleep(RACY_SECONDS + 0.1)
    synced(empty_place, embedder, rebuild=True)
    times = file.stat()
    file.write_text(TRAIN.replace("martedì", "giovedì"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert synced(empty_place, embedder).changed == ("a.txt",)


def test_files_that_did_not_change_are_not_read_again(
    empty_place: Workplace, embedder: Embedder
) -> None:
    file = empty_place.write("a.txt", TRAIN)
    time.sleep(RACY_SECONDS + 0.1)
    synced(empty_place, embedder)
    noted = empty_place.data / "files.json"
    noted.write_text(noted.read_text().replace(sha256(file.read_bytes()).hexdigest(), "0" * 64))
    report = synced(empty_place, embedder)
    assert not report.unchanged and report.changed == ()  # it believed what was noted, and read
    assert synced(empty_place, embedder).unchanged
    noted.write_text("{")
    assert synced(empty_place, embedder).unchanged


def test_sync_equals_rebuild(
    empty_place: Workplace, embedder: Embedder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    empty_place.write("a.txt", TRAIN)
    empty_place.write("b.txt", FORUM)
    for number in range(20):  # of few passages Chroma's graph would be rebuilt
        empty_place.write(f"{number}.txt", f"Articolo {number}.")
    synced(empty_place, embedder)
    empty_place.write("b.txt", TRAIN + " " + FORUM)
    empty_place.write("c.md", "# Vertice\n\n" + FORUM)
    (empty_place.corpus / "a.txt").unlink()
    empty_place.write("d.txt", "---\ntitle: Un treno\n---\n" + TRAIN)
    synced(empty_place, embedder)
    other = "---\ntitle: Elezioni in Brasile, vince la destra\n---\n"  # it is read below that
    empty_place.write("d.txt", other + TRAIN)
    synced(empty_place, embedder)
    fresh = Workplace(tmp_path_factory.mktemp("fresh"), empty_place.warm)
    (fresh.path / "corpus").symlink_to(empty_place.corpus)
    fresh.data.mkdir()
    synced(fresh, embedder)
    assert contents(empty_place) == contents(fresh)
    cosines = (vectors(empty_place) * vectors(fresh)).sum(axis=1)
    assert np.all(cosines > 0.9995)  # in bf16 the batch makes a small difference


def test_chromas_graph_is_made_anew_when_a_fifth_was_taken_out(
    empty_place: Workplace, embedder: Embedder
) -> None:
    for number in range(10):
        empty_place.write(f"{number}.txt", f"Articolo {number}.")
    synced(empty_place, embedder)
    thinned = []
    for number in range(5):  # one at a time: no single run takes out much
        empty_place.write(f"{number}.txt", f"Articolo {number + 5}.")
        name = synced(empty_place, embedder).generation
        thinned.append(read_manifest(generations_dir(empty_place.data) / name).thinned)
        assert len(contents(empty_place)) == 10
    assert thinned == [1, 2, 0, 1, 2]


def test_a_rebuild_makes_a_new_generation_out_of_the_cache(
    train_place: Workplace, embedder: Embedder
) -> None:
    first = current_name(train_place.data)
    again = synced(train_place, embedder, rebuild=True)
    assert again.generation != first and again.embedded == 0


def test_a_change_of_the_model_leads_to_a_new_generation(
    train_place: Workplace, stock: Path, tmp_path: Path
) -> None:
    first = current_name(train_place.data)
    other = Embedder(str(stock))
    second = sync(Locations(train_place.corpus, train_place.data), other)
    assert second.generation != first and second.embedded == 3


def test_an_empty_corpus_is_refused_and_the_index_stays(
    empty_place: Workplace, embedder: Embedder
) -> None:
    with pytest.raises(CorpusError, match="holds no article"):
        synced(empty_place, embedder)
    assert current_name(empty_place.data) is None
    file = empty_place.write("a.txt", TRAIN)
    generation = synced(empty_place, embedder).generation
    file.unlink()
    with pytest.raises(CorpusError):
        synced(empty_place, embedder)
    assert current_name(empty_place.data) == generation
    report = synced(empty_place, embedder, allow_empty=True)
    assert report.removed == ("a.txt",) and report.articles == 0
    assert contents(empty_place) == {}


def test_a_second_writer_fails_and_names_the_first(
    empty_place: Workplace, embedder: Embedder
) -> None:
    empty_place.write("a.txt", TRAIN)
    code = (
        "import sys, time; from pathlib import Path\n"
        "from index.generations.pointer import write_lock\n"
        "with write_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(empty_place.data)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with pytest.raises(BusyError, match=f"process {holder.pid} since 20"):
        synced(empty_place, embedder)
    holder.kill()
    holder.communicate()
    assert synced(empty_place, embedder).added == ("a.txt",)  # a dead holder does not block


def test_what_an_interrupted_build_left_is_removed(
    empty_place: Workplace, embedder: Embedder
) -> None:
    left = generations_dir(empty_place.data) / ".building-old"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    empty_place.write("a.txt", TRAIN)
    report = synced(empty_place, embedder)
    assert [p.name for p in generations_dir(empty_place.data).iterdir()] == [report.generation]


def test_who_removes_locks_a_file_that_is_open_for_writing(
    train_place: Workplace, embedder: Embedder
) -> None:
    modes: list[int] = []
    listening = True

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "fcntl.flock" and arguments[1] & fcntl.LOCK_EX:
            modes.append(fcntl.fcntl(arguments[0], fcntl.F_GETFL) & os.O_ACCMODE)

    sys.addaudithook(hear)  # stays, deaf
    train_place.write("b.txt", FORUM)
    synced(train_place, embedder)
    listening = False
    assert set(modes) == {os.O_RDWR}  # else NFS refuses


def test_a_generation_that_is_held_stays_until_it_is_let_go(
    train_place: Workplace, embedder: Embedder
) -> None:
    first = str(current_name(train_place.data))
    with held_current(train_place.data) as held:
        assert held is not None and held.name == first
        train_place.write("b.txt", FORUM)
        second = synced(train_place, embedder).generation
        assert (held / "store.sqlite3").exists()
        with held_current(train_place.data) as later:
            assert later is not None and later.name == second
    assert discard(train_place.data, first, None)


def test_a_damaged_generation_is_built_anew(train_place: Workplace, embedder: Embedder) -> None:
    name = str(current_name(train_place.data))
    (generations_dir(train_place.data) / name / "manifest.json").write_text("{")
    index = CurrentIndex(train_place.data)
    with pytest.raises(StorageError, match=r"run virgolette index --rebuild"), index.reading():
        pass
    again = synced(train_place, embedder)
    assert again.generation != name and "cannot be read" in again.rebuilt_because
    (generations_dir(train_place.data) / again.generation / "signatures.npy").write_bytes(b"")
    train_place.write("b.txt", FORUM)
    third = synced(train_place, embedder)
    assert "could not be reused" in third.rebuilt_because and third.embedded == 3
    assert len(contents(train_place)) == 2


def test_articles_come_into_an_empty_index(empty_place: Workplace, embedder: Embedder) -> None:
    assert synced(empty_place, embedder, allow_empty=True).articles == 0
    empty_place.write("a.txt", TRAIN)
    report = synced(empty_place, embedder)
    assert report.embedded and report.rebuilt_because == "" and len(contents(empty_place)) == 1


def test_a_damaged_cache_is_made_anew(train_place: Workplace, embedder: Embedder) -> None:
    (train_place.data / CACHE).write_bytes(b"no database" * 1000)
    train_place.write("b.txt", FORUM)
    assert synced(train_place, embedder).embedded == 3
    assert synced(train_place, embedder, rebuild=True).embedded == 3


def test_other_libraries_make_another_index(train_place: Workplace, embedder: Embedder) -> None:
    made = generations_dir(train_place.data) / str(current_name(train_place.data))
    told = (made / "manifest.json").read_text()
    (made / "manifest.json").write_text(told.replace("lxml ", "lxml 0."))
    assert (
        synced(train_place, embedder).rebuilt_because
        == "the previous index was built differently (libraries)"
    )


def test_a_generation_that_lost_a_vector_is_not_sound(
    empty_place: Workplace, embedder: Embedder
) -> None:
    empty_place.write("a.txt", TRAIN)
    empty_place.write("b.txt", FORUM)
    report = synced(empty_place, embedder)
    opened = Generation(generations_dir(empty_place.data) / report.generation)
    (passage,) = opened.store.passages([1])
    opened.vectors._collection.delete(ids=[passage.id])
    assert faults(opened) == ["1 vectors for 2 passages", f"passage {passage.id} has no vector"]
    opened.close()


def test_readers_go_from_one_generation_to_the_next(
    train_place: Workplace, embedder: Embedder
) -> None:
    first = current_name(train_place.data)
    index = CurrentIndex(train_place.data)
    with index.reading() as old:
        assert old is not None and old.name == first
        train_place.write("b.txt", FORUM)
        second = synced(train_place, embedder).generation
        with index.reading() as new:
            assert new is not None and new.name == second and new.size == 2
        assert old.vectors.count() == 1  # the old one is whole for who began with it
    index.close()


def test_an_index_that_is_closed_while_it_is_read_stays(indexed_place: Workplace) -> None:
    index = CurrentIndex(indexed_place.data)
    with index.reading() as generation:
        assert generation is not None
        index.close()
        assert generation.store.article_headers()
    with closing(CurrentIndex(indexed_place.data)) as again, again.reading() as found:
        assert found is not None and found.name == generation.name


def test_many_threads_read_one_generation(train_place: Workplace) -> None:
    index = CurrentIndex(train_place.data)
    found: list[int] = []

    def read() -> None:
        for _ in range(50):
            with index.reading() as generation:
                assert generation is not None
                found.append(len(generation.store.passages([0])))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 400
    index.close()


def test_stored_vectors_are_those_of_the_model(train_place: Workplace, embedder: Embedder) -> None:
    opened = Generation(generations_dir(train_place.data) / str(current_name(train_place.data)))
    (passage,) = opened.store.passages([0])
    (vector,) = embedder.encode_passages([passage.text])
    assert opened.vectors.nearest(vector, 1)[passage.id] > 0.999
    texts = [passage.text[s.start : s.end] for s in opened.sentences(passage)]
    cosines = (opened.sentence_vectors(passage) * embedder.encode_passages(texts)).sum(axis=1)
    assert len(texts) == 2 and np.all(cosines > 0.999)
    opened.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_cannot_be_written_is_named(
    empty_place: Workplace, embedder: Embedder
) -> None:
    empty_place.write("a.txt", TRAIN)
    empty_place.data.chmod(0o500)
    with pytest.raises(StorageError, match="VIRGOLETTE_DATA_DIR"):
        synced(empty_place, embedder)


def test_a_file_in_the_place_of_the_data_folder_is_named(
    empty_place: Workplace, embedder: Embedder, tmp_path: Path
) -> None:
    empty_place.write("a.txt", TRAIN)
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="VIRGOLETTE_DATA_DIR"):
        sync(Locations(empty_place.corpus, tmp_path / "file"), embedder)


def test_files_that_cannot_be_read_are_skipped_and_the_rest_goes_on(
    empty_place: Workplace, embedder: Embedder
) -> None:
    empty_place.write("a.txt", TRAIN)
    os.mkfifo(empty_place.corpus / "pipe.txt")
    (empty_place.corpus / "gone.txt").symlink_to("nowhere.txt")
    (empty_place.corpus / "secret.txt").symlink_to("/etc/hostname")
    Path(os.fsdecode(os.fsencode(empty_place.corpus) + b"/caff\xe8.txt")).write_text(TRAIN)
    report = synced(empty_place, embedder)
    assert report.added == ("a.txt",)
    reasons = {skipped.path: skipped.reason for skipped in report.skipped}
    assert reasons == {
        "caff\\xe8.txt": "its name is not UTF-8",
        "gone.txt": "it cannot be read: No such file or directory",
        "pipe.txt": "it is no regular file",
        "secret.txt": "it is a link out of the corpus",
    }
    assert synced(empty_place, embedder).unchanged
