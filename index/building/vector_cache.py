"""Keeps computed vectors, by model and text."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np

from index.models.embedder import Embedder
from index.models.encoder import Vectors
from index.text.clean import visible

T = TypeVar("T")
Embedded = Callable[[int, int], None]  # texts done, texts in all

_WINDOW = 4096  # texts in memory at once; in a large one more texts are alike in length
_LOOKUP = 500  # keys in a query


def delete_cache(path: Path) -> None:
    """Delete a cache, which no process may be using."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


class VectorCache:
    """Vectors by model and text, in fp16, so that nothing is embedded twice.

    New vectors pass through the cache too, so that an index does not depend on its contents.
    """

    def __init__(self, path: Path, embedder: Embedder) -> None:
        self._path = path
        self._embedder = embedder
        self.embedded = 0  # texts, since this was made
        try:
            self._create()
        except sqlite3.OperationalError:  # not writable or locked
            raise
        except sqlite3.DatabaseError:  # damaged: everything in it can be computed again
            delete_cache(path)
            self._create()

    def _create(self) -> None:
        with closing(self._connect()) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"
                " WITHOUT ROWID"
            )

    def embed(self, texts: Callable[[], Iterable[str]], progress: Embedded | None = None) -> int:
        """Compute and keep the missing vectors; return their number.

        ``texts`` is called twice, the first time to count. Each batch is committed, so that an
        interrupted run loses no other. At most one window of texts is in memory.
        """
        total, done = sum(1 for _ in self._missing(texts())), 0
        for window in _batches(self._missing(texts()), _WINDOW):
            for batch, vectors in self._embedder.encode_batches(window):
                self._store(batch, vectors.astype(np.float16))
                done += len(batch)
                self.embedded += len(batch)
                if progress:
                    progress(done, total)
        return total

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Stored vectors, shape (texts, dimensions). Raises KeyError for a text without one."""
        keys = [self._key(text) for text in texts]
        stored = self._stored(keys)
        data = b"".join(stored[key] for key in keys)
        return np.frombuffer(data, np.float16).reshape(len(texts), -1).astype(np.float32)

    def prune(self, texts: Iterable[str]) -> int:
        """Remove all vectors but those of these texts; return the number removed."""
        with closing(self._connect()) as database, database:
            database.execute("CREATE TEMP TABLE used (key BLOB PRIMARY KEY) WITHOUT ROWID")
            database.executemany(
                "INSERT OR IGNORE INTO used VALUES (?)", ((self._key(t),) for t in texts)
            )
            query = "DELETE FROM vectors WHERE key NOT IN (SELECT key FROM used)"
            removed = database.execute(query).rowcount
        with closing(self._connect()) as database:
            database.execute("VACUUM")
        return removed

    def _missing(self, texts: Iterable[str]) -> Iterator[str]:
        """The texts without a stored vector, each once, in order."""
        seen: set[bytes] = set()
        for batch in _batches(texts, _LOOKUP):
            by_key = {self._key(text): text for text in batch}
            stored = self._stored(list(by_key))
            for key, text in by_key.items():
                if key not in stored and key not in seen:
                    seen.add(key)
                    yield text

    def _store(self, texts: Sequence[str], vectors: Vectors) -> None:
        rows = [(self._key(t), v.tobytes()) for t, v in zip(texts, vectors, strict=True)]
        with closing(self._connect()) as database, database:
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def _stored(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        vectors: dict[bytes, bytes] = {}
        with closing(self._connect()) as database:
            for batch in _batches(keys, _LOOKUP):
                parameters = ",".join("?" * len(batch))
                query = f"SELECT key, vector FROM vectors WHERE key IN ({parameters})"  # noqa: S608
                vectors.update(database.execute(query, batch))
        return vectors

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self._embedder.fingerprint}\0{visible(text)}".encode()).digest()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
