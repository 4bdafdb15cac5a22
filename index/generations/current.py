"""The current generation, followed from one to the next."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from index.errors import StorageError
from index.generations.generation import Generation
from index.generations.layout import ChromaServer
from index.generations.manifest import read_manifest
from index.generations.pointer import current_name, discard, held_current

POLL_INTERVAL = 1.0  # seconds between two looks at the pointer

_log = logging.getLogger(__name__)


class CurrentIndex:
    """The generation that is current at the moment. Safe to use from several threads.

    The pointer is read at every use, which costs microseconds. The first reader of a new
    generation opens it, or ``follow`` does; the last reader of the old one closes and removes it.
    A new generation that this process cannot use leaves the old one in use.
    """

    def __init__(self, data_dir: Path, server: ChromaServer | None = None) -> None:
        self._data_dir = data_dir
        self._server = server
        self._required: Mapping[str, str] = {}
        self._refused = ""
        self._lock = threading.Lock()  # of the two below
        self._current: Generation | None = None
        self._readers: Counter[Generation] = Counter()
        self._opening = threading.Lock()
        self._closed = threading.Event()

    @property
    def data_dir(self) -> Path:
        """The data folder."""
        return self._data_dir

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
            if generation is not None:
                self._leave(generation)

    def follow(self) -> None:
        """Look at the pointer every second from now on, in a thread of its own."""
        threading.Thread(target=self._follow, name="index", daemon=True).start()

    def close(self) -> None:
        """Close the generation in use, now or when its last reader leaves."""
        self._closed.set()
        with self._opening:
            unread = self._replace(None)
        if unread is not None:
            unread.close()

    def _follow(self) -> None:
        while not self._closed.wait(POLL_INTERVAL):
            with suppress(StorageError):  # the next reader gets it
                self._bring_up_to_date()

    def _enter(self) -> Generation | None:
        if not self._bring_up_to_date():
            return None
        with self._lock:
            if self._current is not None:
                self._readers[self._current] += 1
            return self._current

    def _leave(self, generation: Generation) -> None:
        with self._lock:
            self._readers[generation] -= 1
            unread = not self._readers[generation]
            if unread:
                del self._readers[generation]
            replaced = generation is not self._current
        if unread and replaced:
            self._close(generation)

    def _bring_up_to_date(self) -> bool:
        """Open the generation that the pointer names, unless it is open. False: it names none."""
        name = current_name(self._data_dir)
        if name is None or self._is_open(name):
            return name is not None
        with self._opening:  # readers of the old one do not wait here
            name = current_name(self._data_dir)  # it may have changed while we waited
            if name is None or self._is_open(name) or self._closed.is_set():
                return name is not None
            try:
                new = self._open()
            except StorageError as error:
                if self._current is None:
                    raise
                self._refuse(name, error)
                return True
            unread = self._replace(new)
            if unread is not None:
                self._close(unread)
        return True

    def _is_open(self, name: str) -> bool:
        current = self._current
        return current is not None and current.name == name

    def _open(self) -> Generation | None:
        with held_current(self._data_dir) as directory:
            if directory is None:
                return None
            stamp = read_manifest(directory).stamp
            differing = [n for n, value in self._required.items() if stamp.get(n) != value]
            if differing:
                names = ", ".join(differing)
                raise StorageError(
                    f"the index was built differently ({names}): run virgolette index"
                )
            return Generation(directory, self._server)

    def _replace(self, new: Generation | None) -> Generation | None:
        """Put a generation in the place of the current one; that one, to be closed, if unread."""
        with self._lock:
            old, self._current = self._current, new
            return old if old is not None and not self._readers[old] else None

    def _refuse(self, name: str, error: StorageError) -> None:
        """Log, once, that the generation in use stays in use."""
        if self._refused != name:
            self._refused = name
            message = (
                "the new index cannot be used (%s): the one before goes on answering; "
                "start Virgolette again if its settings or its version have changed"
            )
            _log.warning(message, error)

    def _close(self, generation: Generation) -> None:
        generation.close()
        # In a read-only folder it stays: the next run of index removes it.
        with suppress(OSError, StorageError):
            # It is still current if ``close`` was called while it was read.
            if generation.name != current_name(self._data_dir):
                discard(self._data_dir, generation.name, self._server)
