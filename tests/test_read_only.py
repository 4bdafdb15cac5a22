"""Answering writes nothing: it works from a data folder that may only be read."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Workplace

READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0"'
COMMANDS = (
    ("ask", "Dove va il treno blindato?"),
    ("verify", "a bordo di un treno blindato"),
    ("status",),
)


def commands(place: Workplace, lines: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a shell's lines where nobody can write the data folder, not even root."""
    words, told = place.command()
    script = f'command() {{ {" ".join(words)} "$@"; }}; {lines}'
    start = ["sh", "-c", script]
    if os.geteuid() == 0:
        start = ["unshare", "-m", "sh", "-c", f"{READ_ONLY} || exit 99; {script}", str(place.data)]
    else:
        for path in [place.data, *place.data.rglob("*")]:
            path.chmod(0o500 if path.is_dir() else 0o400)
    done = subprocess.run(
        start, cwd=place.path, env={**told, **environment}, capture_output=True, text=True
    )
    if done.returncode == 99:
        pytest.skip("this root may not mount")
    return done


@pytest.fixture
def temporary(indexed_place: Workplace) -> Path:
    folder = indexed_place.path / "temporary"
    folder.mkdir()
    return folder


def test_questions_are_answered_from_a_folder_that_may_only_be_read(
    indexed_place: Workplace, temporary: Path
) -> None:
    indexed_place.run("invite")  # the bot has run
    files = {path: path.stat().st_mtime_ns for path in indexed_place.data.rglob("*")}
    lines = " && ".join(f"command {name} {' '.join(map(repr, a))}" for name, *a in COMMANDS)
    done = commands(indexed_place, lines, TMPDIR=str(temporary))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Vladivostok" in done.stdout and "Yes, word for word" in done.stdout
    assert "0 waiting" in done.stdout
    assert {path: path.stat().st_mtime_ns for path in indexed_place.data.rglob("*")} == files
    assert list(temporary.glob("virgolette*")) == []


def test_where_nothing_may_be_written_the_permission_is_named(
    indexed_place: Workplace, temporary: Path
) -> None:
    lines = 'cd / && ulimit -f 0; command verify "un treno blindato"'
    data = {"VIRGOLETTE_DATA_DIR": str(indexed_place.data), "TMPDIR": str(temporary)}
    done = commands(indexed_place, lines, **data)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "make one of them writable" in done.stderr
