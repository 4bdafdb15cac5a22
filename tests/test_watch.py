"""The index follows the corpus: what is noticed, what is waited for, what is survived."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from index.watch import Pace, Watcher

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
        "from index.watch import Pace, Watcher\n"
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
