"""Vectors that were computed once, kept by model and text."""

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

T = TypeVar("T")
Embedded = Callable[[int, int], None]  # texts done, texts in all

WINDOW = 4096  # texts in memory at once; the more, the more are there that are alike in length
LOOKUP = 500  # keys asked for at once


class VectorCache:
    """Vectors by model and text, so that nothing is embedded twice.

    They are kept in fp16. Every vector passes through the cache, new or not, so that an
    index does not depend on what was cached when it was built.
    """

    def __init__(self, path: Path, embedder: Embedder) -> None:
        self._path = path
        self._embedder = embedder
        self.embedded = 0  # texts, since this was made
        try:
            self._create()
        except sqlite3.OperationalError:  # it cannot be written, or is locked
            raise
        except sqlite3.DatabaseError:  # damaged: all of it can be computed again
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._create()

    def _create(self) -> None:
        with closing(self._connect()) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"
                " WITHOUT ROWID"
            )

    def embed(self, texts: Callable[[], Iterable[str]], progress: Embedded | None = None) -> int:
        """Compute and keep the vectors that are missing; the number of them.

        ``texts`` is called twice, to count first. They are committed a batch at a time: an
        interrupted run loses no more. No more than a window of them is in memory.
        """
        total, done = sum(1 for _ in self._missing(texts())), 0
        for window in _batches(self._missing(texts()), WINDOW):
            for batch, vectors in self._embedder.encode_batches(window):
                self._keep(batch, vectors.astype(np.float16))
                done += len(batch)
                self.embedded += len(batch)
                if progress:
                    progress(done, total)
        return total

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """The kept vectors, shape (texts, dimensions). KeyError for a text never embedded."""
        keys = [self._key(text) for text in texts]
        known = self._read(keys)
        kept = b"".join(known[key] for key in keys)
        return np.frombuffer(kept, np.float16).reshape(len(texts), -1).astype(np.float32)

    def prune(self, texts: Iterable[str]) -> int:
        """Forget every vector but those of these texts; how many were forgotten."""
        with closing(self._connect()) as database, database:
            database.execute("CREATE TEMP TABLE used (key BLOB PRIMARY KEY) WITHOUT ROWID")
            database.executemany(
                "INSERT OR IGNORE INTO used VALUES (?)", ((self._key(t),) for t in texts)
            )
            query = "DELETE FROM vectors WHERE key NOT IN (SELECT key FROM used)"
            forgotten = database.execute(query).rowcount
        with closing(self._connect()) as database:
            database.execute("VACUUM")
        return forgotten

    def _missing(self, texts: Iterable[str]) -> Iterator[str]:
        """Those of the texts that no vector is kept of, each once, in order."""
        seen: set[bytes] = set()
        for batch in _batches(texts, LOOKUP):
            by_key = {self._key(text): text for text in batch}
            known = self._read(list(by_key))
            for key, text in by_key.items():
                if key not in known and key not in seen:
                    seen.add(key)
                    yield text

    def _keep(self, texts: Sequence[str], vectors: Vectors) -> None:
        rows = [(self._key(t), v.tobytes()) for t, v in zip(texts, vectors, strict=True)]
        with closing(self._connect()) as database, database:
            database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        with closing(self._connect()) as database:
            for batch in _batches(keys, LOOKUP):
                marks = ",".join("?" * len(batch))
                query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"  # noqa: S608
                found.update(database.execute(query, batch))
        return found

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self._embedder.fingerprint}\0{text}".encode()).digest()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
