"""Which generation is current, who reads it, who writes the next one, and how old ones end."""

from __future__ import annotations

import datetime
import errno
import fcntl
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from index.disk import replace_file
from index.errors import BusyError, StorageError
from index.generations.layout import (
    BUILDING,
    CHROMA,
    CURRENT,
    READERS,
    ChromaServer,
    VectorLocation,
    generations_dir,
)
from index.generations.manifest import EMBEDDED, read_manifest

LOCK = "lock"
HOLDER = "lock.json"
OLD_SERVER_TIMEOUT = 5.0  # seconds, for a server that is no longer in the settings

_log = logging.getLogger(__name__)


def current_name(data_dir: Path) -> str | None:
    """The name of the current generation, or None before the first one."""
    try:
        # A damaged pointer names a generation that does not exist, which leads to a new build.
        name = (data_dir / CURRENT).read_text(encoding="ascii", errors="replace")
        return name.replace("\0", "").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {data_dir / CURRENT}: {error}") from error


def switch_to(data_dir: Path, name: str) -> None:
    """Make a generation the current one, atomically for its readers.

    The generation must be on the disk by then; after this, so is the pointer.
    """
    replace_file(data_dir / CURRENT, name + "\n", durable=True)


@contextmanager
def held_current(data_dir: Path) -> Iterator[Path | None]:
    """The directory of the current generation, which nobody removes during a ``with``.

    None before the first one. Raises StorageError when it cannot be read.
    """
    name = current_name(data_dir)
    with ExitStack() as held:
        while name is not None:
            directory = generations_dir(data_dir) / name
            try:
                held.enter_context(hold(directory))
                break
            except OSError as error:
                # A new generation may have replaced this one after we read its name.
                before, name = name, current_name(data_dir)
                if name == before:
                    raise StorageError(
                        f"the index in {directory} cannot be opened ({error}): "
                        "run virgolette index --rebuild"
                    ) from error
        yield directory if name is not None else None


def hold(directory: Path) -> IO[bytes]:
    """The readers' file of a generation, open and locked as readers do. OSError if it is gone."""
    with ExitStack() as opened:
        readers = opened.enter_context((directory / READERS).open("rb"))
        fcntl.flock(readers, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if not os.fstat(readers.fileno()).st_nlink:  # removed between the two
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), readers.name)
        opened.pop_all()
    return readers


def discard(data_dir: Path, name: str, server: ChromaServer | None) -> bool:
    """Remove a generation that is not the current one; False if somebody reads it."""
    directory = generations_dir(data_dir) / name
    try:
        with (directory / READERS).open("r+b") as readers:  # NFS wants it writable for LOCK_EX
            fcntl.flock(readers, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(directory, server)
    except (BlockingIOError, PermissionError):
        return False
    except FileNotFoundError:  # unfinished, or older than the file of readers
        _remove(directory, server)
    return True


def discard_all_but(data_dir: Path, current: str | None, server: ChromaServer | None) -> None:
    """Remove what interrupted runs left, and old generations without readers."""
    for directory in generations_dir(data_dir).iterdir():
        if directory.name != current:
            discard(data_dir, directory.name, server)


def _remove(directory: Path, server: ChromaServer | None) -> None:
    """Remove a generation and its vectors on a server; nothing of it while that is away."""
    holder = _server_of(directory, server)
    if holder is not None:
        from index.generations.chroma import remove_vectors

        location = VectorLocation(Path(), directory.name.removeprefix(BUILDING), holder)
        try:
            remove_vectors(location)
        except StorageError as error:
            if holder == server:  # a later run tries again, or the collection would stay
                return
            name = location.collection
            _log.warning("%s; delete its collection %s if you still use it", error, name)
    shutil.rmtree(directory, ignore_errors=True)


def _server_of(directory: Path, server: ChromaServer | None) -> ChromaServer | None:
    """The server that holds the vectors of a generation; None where they are in its directory.

    ``server`` is the one in the settings: of any other, only the address is known.
    """
    try:
        url = read_manifest(directory).stamp.get("vectors", EMBEDDED)
    except StorageError:  # unfinished
        return None if (directory / CHROMA).exists() else server
    if url == EMBEDDED:
        return None
    return server if server and server.url == url else ChromaServer(url, timeout=OLD_SERVER_TIMEOUT)


@contextmanager
def write_lock(data_dir: Path, wait: float = 0) -> Iterator[None]:
    """Hold the writer's lock, which the system releases when the process dies.

    Waits up to ``wait`` seconds for another writer, then raises BusyError, which names it.
    """
    from filelock import FileLock, Timeout  # status writes nothing

    holder = data_dir / HOLDER
    lock = FileLock(data_dir / LOCK, timeout=wait)
    try:
        lock.acquire()
    except Timeout as error:
        raise BusyError(
            f"the index is being written by {_holder(data_dir)}: wait for it to end"
        ) from error
    try:
        since = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        holder.write_text(json.dumps({"pid": os.getpid(), "since": since}), encoding="ascii")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def lock_holder(data_dir: Path) -> str:
    """The process that is writing the index, in words; "" if none is.

    Keeps no writer out: it tries the lock only where a writer holds it, or died with it.
    """
    if not (data_dir / HOLDER).exists():
        return ""
    try:
        with (data_dir / LOCK).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(data_dir)
    except FileNotFoundError:
        pass
    return ""


def _holder(data_dir: Path) -> str:
    try:
        holder = json.loads((data_dir / HOLDER).read_text(encoding="ascii"))
        return f"process {holder['pid']} since {holder['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"
