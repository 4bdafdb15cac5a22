"""Generations on disk: complete, never changed once visible, one of them the current one.

DATA_DIR/
    current                  the name of the current generation, replaced atomically
    generations/NAME/        manifest.json, store.sqlite3, sentences.npy, signatures.npy,
                             keywords/, chroma/, and readers: locked by who reads it
    vectors.sqlite3          the cache of vectors
    files.json               digests of the corpus's files, by what the file system tells
    models/                  the default model, unpacked
    lock, lock.json          held while the index is written, and by whom
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np

from index.chroma import PassageVectors, remove_vectors
from index.embedder import Vectors
from index.errors import ServerError, StorageError
from index.keywords import KeywordIndex
from index.place import ChromaServer, Place
from index.sentences import Span
from index.store import Store, Stored

MANIFEST = "manifest.json"
STORE = "store.sqlite3"
SENTENCES = "sentences.npy"
SIGNATURES = "signatures.npy"
KEYWORDS = "keywords"
CHROMA = "chroma"
READERS = "readers"
EMBEDDED = "embedded"  # in the stamp, where the vectors are in no server
BUILDING = ".building-"  # before the name of a generation that is not finished
NOTICED = 1.0  # seconds between two looks at the pointer
GIVEN_UP = 5.0  # seconds for a server that the settings do not name any more

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Manifest:
    """What a generation was made from.

    ``stamp`` names the model and the versions of loaders, splitter and schema. ``files`` has
    the SHA-256 of every file's bytes by path ("" where it could not be read), those that
    became no article included; ``skipped`` says why they did not. ``thinned`` is how many
    passages were taken out of Chroma's collection since that was made.
    """

    stamp: dict[str, str]
    files: dict[str, str]
    skipped: dict[str, str]
    created: str
    thinned: int = 0


def generations_dir(data_dir: Path) -> Path:
    """Where the generations lie."""
    return data_dir / "generations"


def current_name(data_dir: Path) -> str | None:
    """The name of the current generation, or None before the first one."""
    try:
        # What a damaged pointer names is nowhere, and so made anew.
        name = (data_dir / "current").read_text(encoding="ascii", errors="replace")
        return name.replace("\0", "").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"cannot read {data_dir / 'current'}: {error}") from error


@contextmanager
def held_current(data_dir: Path) -> Iterator[Path | None]:
    """The directory of the current generation, which nobody removes during a ``with``.

    None before the first one. StorageError when it cannot be read.
    """
    name = current_name(data_dir)
    with ExitStack() as held:
        while name is not None:
            directory = generations_dir(data_dir) / name
            try:
                held.enter_context(_hold(directory))
                break
            except OSError as error:
                # The next one may have come, and taken this one away, after we read its name.
                before, name = name, current_name(data_dir)
                if name == before:
                    raise StorageError(
                        f"the index in {directory} cannot be opened ({error}): "
                        "run virgolette index --rebuild"
                    ) from error
        yield directory if name is not None else None


def _hold(directory: Path) -> IO[bytes]:
    """The readers' file of a generation, open and locked as readers do. OSError if it has gone."""
    with ExitStack() as opened:
        readers = opened.enter_context((directory / READERS).open("rb"))
        fcntl.flock(readers, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if not os.fstat(readers.fileno()).st_nlink:  # removed between the two
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), readers.name)
        opened.pop_all()
    return readers


def switch_to(data_dir: Path, name: str) -> None:
    """Make a generation the current one. Readers see the old one or this one, nothing between.

    The generation must be on the disk by then; after this, so is the pointer.
    """
    new = data_dir / "current.new"
    with new.open("w", encoding="ascii") as file:
        file.write(name + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(data_dir / "current")
    sync_folder(data_dir)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def discard(data_dir: Path, name: str, server: ChromaServer | None) -> bool:
    """Remove a generation that is not the current one, unless somebody reads it."""
    directory = generations_dir(data_dir) / name
    try:
        with (directory / READERS).open("r+b") as readers:  # NFS wants it writable for LOCK_EX
            fcntl.flock(readers, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(directory, name, server)
    except (BlockingIOError, PermissionError):
        return False
    except FileNotFoundError:  # not finished, or of a time before readers were counted
        _remove(directory, name, server)
    return True


def _remove(directory: Path, name: str, server: ChromaServer | None) -> None:
    holder = _server_of(directory, server)
    place = Place(directory / CHROMA, name.removeprefix(BUILDING), holder)
    try:
        remove_vectors(place)
    except StorageError as error:
        if holder == server:  # it is away: tried again later, or its collection would stay
            return
        _log.warning("%s; delete its collection %s if you still use it", error, place.collection)
    shutil.rmtree(directory, ignore_errors=True)


def _server_of(directory: Path, server: ChromaServer | None) -> ChromaServer | None:
    """The server that holds the vectors of a generation; None where they are in its directory.

    Of one that is not ``server``, that of the settings, no more than the address is known.
    """
    try:
        told = read_manifest(directory).stamp.get("vectors", EMBEDDED)
    except StorageError:  # not finished
        return None if (directory / CHROMA).exists() else server
    if told == EMBEDDED:
        return None
    return server if server and server.url == told else ChromaServer(told, timeout=GIVEN_UP)


def read_manifest(generation: Path) -> Manifest:
    """The manifest of the generation in this directory."""
    try:
        return Manifest(**json.loads((generation / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise StorageError(
            f"the index in {generation} is damaged ({error}): run virgolette index --rebuild"
        ) from error


def write_manifest(generation: Path, manifest: Manifest) -> None:
    """Write the manifest into the generation's directory."""
    text = json.dumps(asdict(manifest), ensure_ascii=False, indent=1)
    (generation / MANIFEST).write_text(text, encoding="utf-8")


class Generation:
    """An open generation: articles, passages, sentences, keywords and vectors, to read.

    While it is open, nobody removes it.
    """

    def __init__(self, directory: Path, server: ChromaServer | None = None) -> None:
        self.name = directory.name
        with ExitStack() as opened:
            try:
                self._open(directory, server, opened)
            except StorageError:
                raise
            except Exception as error:  # Chroma, SQLite and numpy each raise their own
                raise StorageError(
                    f"the index in {directory} cannot be opened ({error}): "
                    "run virgolette index --rebuild"
                ) from error
            self._opened = opened.pop_all()

    def _open(self, directory: Path, server: ChromaServer | None, opened: ExitStack) -> None:
        opened.enter_context(_hold(directory))
        self.manifest = read_manifest(directory)
        self.store = opened.enter_context(closing(Store(directory / STORE)))
        self.keywords = KeywordIndex.open(directory / KEYWORDS)
        self.size = self.store.count("passages")
        self._sentences = np.load(directory / SENTENCES, mmap_mode="r")
        if len(self._sentences) != self.store.count("sentences"):
            raise StorageError(
                f"{directory / SENTENCES} is damaged: run virgolette index --rebuild"
            )
        self._vectors: PassageVectors | None = None
        if self.size:  # an empty HNSW cannot be asked
            place = self._place(directory, server)
            self._vectors = opened.enter_context(closing(PassageVectors(place)))

    def _place(self, directory: Path, server: ChromaServer | None) -> Place:
        """Where the vectors are: the manifest tells, the settings say how to get there."""
        if self.manifest.stamp.get("vectors", EMBEDDED) == EMBEDDED:
            return Place(directory / CHROMA, self.name)
        if server is None:
            raise ServerError(
                "the vectors of the index are on a Chroma server: set VIRGOLETTE_CHROMA_URL, "
                "or run virgolette index to bring them here"
            )
        return Place(directory / CHROMA, self.name.removeprefix(BUILDING), server)

    @property
    def vectors(self) -> PassageVectors:
        """The vectors of the passages. StorageError in a generation that holds none."""
        if self._vectors is None:
            raise StorageError(f"the generation {self.name} holds no passages")
        return self._vectors

    def sentences(self, passage: Stored) -> list[Span]:
        """The spans of a passage's sentences in its article."""
        return self.store.sentences(passage.first, passage.last)

    def sentence_vectors(self, passage: Stored) -> Vectors:
        """The unit vectors of a passage's sentences, shape (sentences, dimensions)."""
        return np.asarray(self._sentences[passage.first : passage.last + 1], np.float32)

    def close(self) -> None:
        """Give the files back."""
        self._opened.close()


class LiveIndex:
    """The current generation, whichever it is at the moment. Safe to use from several threads.

    The pointer is read at every use, which costs microseconds. A new generation is opened by
    the first who meets it, or by ``follow``; the old one is closed, and removed, when the last
    who reads it is done. A new one that this process cannot use leaves the old one in use.
    """

    def __init__(self, data_dir: Path, server: ChromaServer | None = None) -> None:
        self._data_dir = data_dir
        self._server = server
        self._required: Mapping[str, str] = {}
        self._refused = ""
        self._lock = threading.Lock()  # of the two below
        self._current: Generation | None = None
        self._readers: dict[Generation, int] = {}
        self._opening = threading.Lock()
        self._closed = threading.Event()

    def require(self, stamp: Mapping[str, str]) -> None:
        """Refuse generations whose stamp has other values than this."""
        self._required = stamp

    @contextmanager
    def reading(self) -> Iterator[Generation | None]:
        """The current generation for the length of a ``with``, or None when there is no index."""
        generation = self._enter()
        try:
            yield generation
        finally:
            self._leave(generation)

    def follow(self) -> None:
        """Look at the pointer every second from now on, in a thread of its own."""
        threading.Thread(target=self._follow, name="index", daemon=True).start()

    def close(self) -> None:
        """Close the generation in use. Nobody may be reading."""
        self._closed.set()
        with self._opening, self._lock:
            if self._current is not None:
                self._current.close()
            self._current = None

    def _follow(self) -> None:
        while not self._closed.wait(NOTICED):
            with suppress(StorageError):  # told to whoever asks
                self._bring_up_to_date()

    def _enter(self) -> Generation | None:
        if not self._bring_up_to_date():
            return None
        with self._lock:
            if self._current is not None:
                self._readers[self._current] = self._readers.get(self._current, 0) + 1
            return self._current

    def _bring_up_to_date(self) -> bool:
        """Open the generation that the pointer names, unless it is open. False: it names none."""
        name = current_name(self._data_dir)
        if name is None or self._is_open(name):
            return name is not None
        with self._opening:  # readers of the old one do not wait here
            name = current_name(self._data_dir)  # it may have moved on while we waited
            if name is None or self._is_open(name) or self._closed.is_set():
                return name is not None
            try:
                new = self._open()
            except StorageError as error:
                if self._current is None:
                    raise
                self._refuse(name, error)
                return True
            with self._lock:
                old, self._current = self._current, new
                unread = old is not None and not self._readers.get(old)
            if old is not None and unread:
                self._close(old)
        return True

    def _is_open(self, name: str) -> bool:
        current = self._current
        return current is not None and current.name == name

    def _open(self) -> Generation | None:
        with held_current(self._data_dir) as directory:
            if directory is None:
                return None
            stamp = read_manifest(directory).stamp
            other = [n for n, value in self._required.items() if stamp.get(n) != value]
            if other:
                raise StorageError(
                    f"the index was made otherwise ({', '.join(other)}): run virgolette index"
                )
            return Generation(directory, self._server)

    def _refuse(self, name: str, error: StorageError) -> None:
        """Tell, once, that the generation in use stays so."""
        if self._refused != name:
            self._refused = name
            told = (
                "the new index cannot be used (%s): the one before goes on answering; "
                "start Virgolette again if its settings or its version have changed"
            )
            _log.warning(told, error)

    def _leave(self, generation: Generation | None) -> None:
        if generation is None:
            return
        with self._lock:
            self._readers[generation] -= 1
            last = not self._readers[generation]
            if last:
                del self._readers[generation]
            done = last and generation is not self._current
        if done:
            self._close(generation)

    def _close(self, generation: Generation) -> None:
        generation.close()
        with suppress(OSError):  # a folder that may only be read: the next run of index removes it
            discard(self._data_dir, generation.name, self._server)
