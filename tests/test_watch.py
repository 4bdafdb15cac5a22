"""The index follows the corpus: what is noticed, what is waited for, what is survived."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from index.building.helper import faults
from index.building.vector_cache import VectorCache
from index.building.watch import Pace, Watcher
from index.generations.generation import Generation
from index.generations.layout import CACHE, generations_dir
from index.generations.pointer import current_name, write_lock
from index.models.embedder import Embedder
from tests.bot_api import FakeBotApi
from tests.conftest import Workplace
from tests.running_bot import Bot

pytestmark = pytest.mark.slow

TRAIN = "Il treno blindato è partito da Pyongyang."
FORUM = "Il forum di Vladivostok finisce il 13 settembre."
READY = 90.0  # seconds for a process to start and index, on a busy machine
NEVER = 3600.0
QUICK = Pace(quiet=0.3, patience=NEVER, sweep=NEVER, blind=NEVER, look=0.05)


def until(condition: Callable[[], Any], seconds: float = 20) -> Any:
    """What the condition gives once it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
    return found


class Followed:
    """A folder that is followed by a pass that reads it and counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[dict[str, str] | None] = []
        self.told: list[str] = []
        self.after_reading: Callable[[], None] = lambda: None

    def run(self) -> None:
        """Note the files and what they hold; None where there is no folder."""
        files = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        found = {path.name: path.read_text() for path in files}
        self.seen.append(found if self.folder.is_dir() else None)
        self.after_reading()

    def settles_at(self, passes: int) -> bool:
        """Whether there are that many passes, and no more a good while after the last."""
        until(lambda: len(self.seen) >= passes)
        time.sleep(4 * QUICK.quiet)
        return len(self.seen) == passes


@contextmanager
def following(folder: Path, pace: Pace = QUICK) -> Iterator[Followed]:
    followed, stop = Followed(folder), threading.Event()
    watcher = Watcher(folder, followed.run, followed.told.append, pace)
    thread = threading.Thread(target=watcher.follow, args=(stop,))
    thread.start()
    try:
        until(lambda: followed.seen)
        yield followed
    finally:
        stop.set()
        thread.join(5)
        assert not thread.is_alive()


def test_a_change_leads_to_one_pass_and_reading_to_none(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1")
    with following(tmp_path) as followed:
        assert followed.settles_at(1)
        (tmp_path / "new" / "folder").mkdir(parents=True)
        (tmp_path / "new" / "folder" / "b.txt").write_text("2")
        assert followed.settles_at(2)
        (tmp_path / "new" / "folder" / "b.txt").write_text("3")
        assert followed.settles_at(3)
    assert followed.seen == [{"a.txt": "1"}, {"a.txt": "1", "b.txt": "2"},
                             {"a.txt": "1", "b.txt": "3"}]  # fmt: skip
    assert followed.told == []


def test_what_programs_keep_beside_a_file_leads_to_no_pass(tmp_path: Path) -> None:
    names = (".a.txt.swp", "4913", "a.txt~", "#a.txt#", "a.txt.tmp", "b.pdf.part",
             "c.crdownload", ".~lock.a.txt#", "~$d.txt", ".git/index")  # fmt: skip
    with following(tmp_path) as followed:
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("x")
        assert followed.settles_at(1)
        for name in names:
            (tmp_path / name).unlink()
        (tmp_path / "a.txt.tmp").write_text("whole")
        (tmp_path / "a.txt.tmp").rename(tmp_path / "a.txt")
        assert followed.settles_at(2)
    assert followed.seen == [{}, {"a.txt": "whole"}]


def test_a_file_that_is_still_written_is_waited_for(tmp_path: Path) -> None:
    with following(tmp_path) as followed:
        for length in range(1, 16):
            (tmp_path / "a.txt").write_text("x" * length)
            time.sleep(QUICK.quiet / 3)
        assert followed.settles_at(2)
    assert followed.seen == [{}, {"a.txt": "x" * 15}]


def test_changes_without_an_end_do_not_put_a_pass_off_for_ever(tmp_path: Path) -> None:
    pace = Pace(quiet=NEVER, patience=0.5, sweep=NEVER, look=0.05)
    with following(tmp_path, pace) as followed:
        (tmp_path / "a.txt").write_text("1")
        until(lambda: len(followed.seen) == 2)
        assert followed.seen[1] == {"a.txt": "1"}


def test_a_change_during_a_pass_leads_to_another(tmp_path: Path) -> None:
    def write_after_reading() -> None:
        if len(followed.seen) == 2:
            (tmp_path / "late.txt").write_text("2")
            time.sleep(3 * QUICK.quiet)

    with following(tmp_path) as followed:
        followed.after_reading = write_after_reading
        (tmp_path / "a.txt").write_text("1")
        assert followed.settles_at(3)
    assert followed.seen[1:] == [{"a.txt": "1"}, {"a.txt": "1", "late.txt": "2"}]


def test_a_sweep_comes_without_any_change(tmp_path: Path) -> None:
    with following(tmp_path, Pace(sweep=0.3, look=0.05)) as followed:
        until(lambda: len(followed.seen) >= 4)


def test_a_folder_removed_and_made_anew_is_followed_on(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    with following(folder) as followed:
        shutil.rmtree(folder)
        until(lambda: followed.seen[-1] is None)
        assert followed.settles_at(2)  # told once, however long it is gone
        folder.mkdir()
        assert followed.settles_at(3)
        (folder / "a.txt").write_text("1")
        until(lambda: followed.seen[-1] == {"a.txt": "1"})
        shutil.rmtree(folder)  # at once: often the new folder has the number of the old one
        folder.mkdir()
        until(lambda: followed.seen[-1] == {})
        (folder / "b.txt").write_text("2")
        until(lambda: followed.seen[-1] == {"b.txt": "2"})


def test_another_folder_in_its_place_is_followed(tmp_path: Path) -> None:
    """As when a disk is mounted or unmounted there: nothing is told of the old folder."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(name)
    (tmp_path / "corpus").symlink_to("one")
    with following(tmp_path / "corpus") as followed:
        assert followed.seen == [{"one.txt": "one"}]
        (tmp_path / "new").symlink_to("two")
        (tmp_path / "new").replace(tmp_path / "corpus")
        until(lambda: followed.seen[-1] == {"two.txt": "two"})
        (tmp_path / "two" / "more.txt").write_text("more")
        until(lambda: followed.seen[-1] == {"two.txt": "two", "more.txt": "more"})


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    with following(tmp_path / "corpus") as followed:
        assert followed.seen == [None]
        (tmp_path / "corpus").mkdir()
        until(lambda: followed.seen[-1] == {})


def test_where_nothing_can_be_watched_the_folder_is_read_now_and_then(tmp_path: Path) -> None:
    code = (
        "import resource, sys, threading; from pathlib import Path\n"
        "from index.building.watch import Pace, Watcher\n"
        "stop, passes, told = threading.Event(), [], []\n"
        "def run():\n"
        "    passes.append(1)\n"
        "    if len(passes) == 4: stop.set()\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4))  # no file is left for inotify\n"
        "Watcher(Path(sys.argv[1]), run, told.append, Pace(blind=0.1)).follow(stop)\n"
        "print(len(passes), len(told), told[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.startswith(f"4 1 changes in {tmp_path} cannot be watched ("), done.stderr


class Command:
    """A running command of Virgolette and what it has printed so far."""

    def __init__(self, place: Workplace, *arguments: str, read: bool = True) -> None:
        command, environment = place.command()
        self.process = subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=place.path, env=environment, start_new_session=True,
            # a suite run in the background has ctrl-c ignored, and would pass that on
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        self.output: list[str] = []
        self.errors: list[str] = []
        self._threads = [
            threading.Thread(target=keep_lines, args=(stream, lines), daemon=True)
            for lines, stream in ((self.output, self.process.stdout),
                                  (self.errors, self.process.stderr))
            if read
        ]  # fmt: skip
        for thread in self._threads:
            thread.start()

    def reports(self, count: int) -> list[dict[str, Any]]:
        """That many reports in JSON, when they have come."""
        until(lambda: len(self.output) >= count, READY)
        return [json.loads(line) for line in self.output]

    def child(self) -> int:
        """The process that it has started, when there is one."""
        return int(until(lambda: children(self.process.pid), READY)[0])

    def end(self, number: int) -> int:
        """Send a signal to all its group, as a terminal does; its exit code."""
        os.killpg(self.process.pid, number)
        try:
            code = self.process.wait(30)
        finally:
            self.process.kill()
        for thread in self._threads:
            thread.join(5)
        return code


def keep_lines(stream: Iterable[str], lines: list[str]) -> None:
    for line in stream:
        lines.append(line)  # one by one: the test looks at them meanwhile


def children(process: int) -> list[int]:
    told = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
    )
    pairs = (map(int, line.split()) for line in told.stdout.splitlines())
    return [child for child, parent in pairs if parent == process]


def is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def known_place(empty_place: Workplace, embedder: Embedder) -> Workplace:
    """An empty corpus; the vectors of both texts are known, so that no pass loads the model."""
    VectorCache(empty_place.data / CACHE, embedder).embed(lambda: [TRAIN, FORUM])
    return empty_place


def indexed(place: Workplace) -> list[str]:
    """The articles of the current generation, which is sound."""
    opened = Generation(generations_dir(place.data) / str(current_name(place.data)))
    assert faults(opened) == []
    found = [article.path for article in opened.store.article_headers()]
    opened.close()
    return found


def test_index_watch_waits_for_the_lock_then_follows_an_editor(known_place: Workplace) -> None:
    known_place.write("a.txt", TRAIN)
    with write_lock(known_place.data):
        command = Command(known_place, "index", "--watch", "--json")
        command.child()
        time.sleep(3)  # more than an index run needs to fail
        assert command.output == command.errors == []
    (first,) = command.reports(1)
    assert first["added"] == ["a.txt"]
    with write_lock(known_place.data):  # merely watching, it does not hold the lock
        pass
    (known_place.corpus / "a.txt").rename(known_place.corpus / "a.txt~")  # as editors save
    known_place.write("4913", "")
    known_place.write("a.txt", FORUM)
    _, second = command.reports(2)
    assert (second["changed"], second["added"], second["skipped"]) == (["a.txt"], [], [])
    assert command.end(signal.SIGTERM) == 0
    assert command.errors == [] and len(command.output) == 2
    assert indexed(known_place) == ["a.txt"]


def test_an_emptied_corpus_is_refused_and_coming_back_works(known_place: Workplace) -> None:
    known_place.write("a.txt", TRAIN)
    moved = known_place.path / "moved"
    command = Command(known_place, "index", "--watch", "--allow-empty", "--rebuild")
    until(lambda: len(command.output) == 2, READY)
    assert command.output[0] == "  + added    a.txt\n"
    known_place.corpus.rename(moved)
    until(lambda: command.errors, READY)
    assert "there is no corpus folder corpus" in command.errors[0]
    known_place.corpus.mkdir()
    until(lambda: len(command.errors) == 2, READY)
    assert "the corpus folder corpus holds no article" in command.errors[1]
    known_place.write("b.docx", "x")
    until(lambda: len(command.errors) == 3, READY)  # another trouble: a file, but no article
    assert indexed(known_place) == ["a.txt"]
    (known_place.corpus / "b.docx").unlink()
    (moved / "a.txt").rename(known_place.corpus / "a.txt")
    until(lambda: len(command.errors) == 4, READY)
    assert command.errors[3] == "virgolette: the corpus is indexed again\n"
    assert command.end(signal.SIGTERM) == 0
    assert len(command.output) == 2  # nothing changed, and --rebuild was for the first run
    assert indexed(known_place) == ["a.txt"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_end_of_the_watcher_is_the_end_of_its_pass(
    empty_place: Workplace, number: int, code: int
) -> None:
    empty_place.write("a.txt", TRAIN)
    command = Command(empty_place, "index", "--watch")
    child = command.child()
    until(lambda: list(generations_dir(empty_place.data).glob(".building-*")), READY)
    assert command.end(number) == code
    assert command.output == command.errors == []
    assert is_gone(child)
    assert list(generations_dir(empty_place.data).iterdir()) == []
    with write_lock(empty_place.data):
        pass


def test_a_watcher_whom_nobody_reads_ends(empty_place: Workplace) -> None:
    command = Command(empty_place, "index", "--watch", read=False)
    child = command.child()
    assert command.process.stdout is not None
    command.process.stdout.close()
    assert command.process.wait(30) == 0
    assert is_gone(child)


def test_sigterm_ends_an_index_run_cleanly(empty_place: Workplace) -> None:
    empty_place.write("a.txt", TRAIN)
    command = Command(empty_place, "index")
    until(lambda: list(generations_dir(empty_place.data).glob(".building-*")), READY)
    assert command.end(signal.SIGTERM) == 143
    assert command.output == command.errors == []
    assert list(generations_dir(empty_place.data).iterdir()) == []


def test_a_bot_answers_from_what_is_dropped_in_while_it_runs(known_place: Workplace) -> None:
    known_place.write("a.txt", FORUM)
    with FakeBotApi() as api:
        bot = Bot(known_place, api)
        until(lambda: "index: 1 added" in bot.log.read_text(), 2 * READY)
        assert "Pyongyang" not in bot.ask("Da dove è partito il treno?")["text"]
        known_place.write("b.txt", TRAIN)
        until(lambda: bot.log.read_text().count("index: 1 added") == 2, READY)
        assert "Pyongyang" in bot.ask("Da dove è partito il treno?")["text"]
        (watcher,) = children(bot.process.pid)
        bot.process.kill()  # it can tell nobody
        bot.process.wait()
        until(lambda: is_gone(watcher))
        assert "Traceback" not in bot.log.read_text()


def test_the_end_of_a_bot_is_the_end_of_its_watcher(empty_place: Workplace) -> None:
    empty_place.write("a.txt", TRAIN)
    with FakeBotApi() as api, write_lock(empty_place.data):
        bot = Bot(empty_place, api)
        (watcher,) = until(lambda: children(bot.process.pid), READY)
        (indexing,) = until(lambda: children(watcher), READY)
        assert bot.stop() == 0
        assert is_gone(watcher) and is_gone(indexing)
        assert "Traceback" not in bot.log.read_text()
