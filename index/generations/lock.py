"""The one writer's lock."""

from __future__ import annotations

import datetime
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from index.errors import BusyError

LOCK = "lock"
HOLDER = "lock.json"


@contextmanager
def writing(data_dir: Path, wait: float = 0) -> Iterator[None]:
    """Hold the writer's lock, which the system frees when its process dies.

    Waits up to ``wait`` seconds for another holder, then raises BusyError, which names it.
    """
    holder = data_dir / HOLDER
    lock = FileLock(data_dir / LOCK, timeout=wait)
    try:
        lock.acquire()
    except Timeout as error:
        raise BusyError(
            f"the index is being written by {holder_of(data_dir)}: wait for it to end"
        ) from error
    try:
        since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        holder.write_text(json.dumps({"pid": os.getpid(), "since": since}), encoding="ascii")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def writer(data_dir: Path) -> str:
    """Who writes the index at this moment, in words; "" if nobody does.

    Keeps no writer out: the lock is looked at only where somebody may hold it, or died with it.
    """
    if not (data_dir / HOLDER).exists():
        return ""
    try:
        with (data_dir / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return holder_of(data_dir)
    except FileNotFoundError:
        pass
    return ""


def holder_of(data_dir: Path) -> str:
    """Who holds the lock, in words."""
    try:
        told = json.loads((data_dir / HOLDER).read_text(encoding="ascii"))
        return f"process {told['pid']} since {told['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"
