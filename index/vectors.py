"""The vectors of the passages, in a Chroma collection, and the cache they come from."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import numpy as np

from index.embedder import Embedder, Vectors
from index.errors import StorageError

if TYPE_CHECKING:
    from chromadb.api.client import Client

Progress = Callable[[int, int], None]  # texts done, texts in all

COLLECTION = "passages"
CHUNK = 64  # vectors computed between two commits
BATCH = 5000  # Chroma 1.5 takes at most 5461 rows at once
SEARCH_BREADTH = 200  # HNSW ef: how many candidates a search keeps in view


def import_chroma() -> ModuleType:
    """Import Chroma, which takes about a second and reads the environment and ``.env``."""
    try:
        import chromadb.errors
    except ValueError as error:  # pydantic's, which would quote the values
        raise StorageError(
            "Chroma reads the environment and .env too and finds a wrong value there: rename "
            "settings of other programs in .env that have names like IS_PERSISTENT or CHROMA_…"
        ) from error
    return chromadb


def open_client(directory: Path) -> Client:
    """An embedded Chroma over a directory. Close it: only then are all its files written."""
    chromadb = import_chroma()
    settings = chromadb.config.Settings(
        _env_file=None,
        anonymized_telemetry=False,
        chroma_api_impl="chromadb.api.rust.RustBindingsAPI",
        is_persistent=True,
        persist_directory=str(directory),
        allow_reset=False,
    )
    client = chromadb.PersistentClient(path=str(directory), settings=settings)
    return cast("Client", client)  # declared as its interface, which has no close()


@contextmanager
def _translating() -> Iterator[None]:
    """Turn Chroma's own errors into a StorageError."""
    chromadb = import_chroma()
    try:
        yield
    except chromadb.errors.ChromaError as error:
        raise StorageError(f"Chroma: {error}; run virgolette index --rebuild") from error


class PassageVectors:
    """The vectors of a generation's passages in an embedded Chroma collection."""

    def __init__(self, directory: Path) -> None:
        with _translating():
            self._client = open_client(directory)
            self._collection = self._client.get_collection(COLLECTION, embedding_function=None)

    @classmethod
    def build(cls, ids: Sequence[str], vectors: Vectors, directory: Path) -> None:
        """Write a new collection and close it. ``vectors`` has the shape (ids, dimensions)."""
        with _translating(), closing(open_client(directory)) as client:
            collection = client.create_collection(
                COLLECTION,
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine", "ef_search": SEARCH_BREADTH}},
            )
            for start in range(0, len(ids), BATCH):
                stop = start + BATCH
                collection.add(ids=list(ids[start:stop]), embeddings=vectors[start:stop])

    def nearest(self, vector: Vectors, count: int) -> dict[str, float]:
        """The cosine of the nearest passages, by id, best first."""
        with _translating():
            found = self._collection.query(
                query_embeddings=vector[None, :], n_results=count, include=["distances"]
            )
        distances = (found["distances"] or [[]])[0]
        return {i: 1.0 - d for i, d in zip(found["ids"][0], distances, strict=True)}

    def cosines(self, vector: Vectors, ids: Sequence[str]) -> dict[str, float]:
        """The cosine of these passages with a unit vector, by id; those that are here."""
        if not ids:
            return {}
        with _translating():
            found = self._collection.get(ids=list(ids), include=["embeddings"])
        if not found["ids"]:
            return {}
        stored = np.asarray(found["embeddings"], np.float32)
        return dict(zip(found["ids"], (stored @ vector).tolist(), strict=True))

    def count(self) -> int:
        """How many passages the collection holds."""
        return self._collection.count()

    def close(self) -> None:
        """Give the files back."""
        self._client.close()


class VectorCache:
    """Vectors that were computed once, by model and text, so that nothing is embedded twice.

    They are kept in fp16. Every vector passes through the cache, new or not, so that an
    index does not depend on what was cached when it was built.
    """

    def __init__(self, path: Path, embedder: Embedder) -> None:
        self._path = path
        self._embedder = embedder
        with closing(self._connect()) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"
                " WITHOUT ROWID"
            )

    def missing(self, texts: Sequence[str]) -> list[str]:
        """Those of the texts that no vector is kept of, each once, in order."""
        known = self._read(texts)
        return [text for text in dict.fromkeys(texts) if self._key(text) not in known]

    def embed(self, texts: Sequence[str], progress: Progress | None = None) -> int:
        """Compute and keep the vectors that are missing; the number of them.

        They are committed some dozens at a time: an interrupted run loses no more.
        """
        missing = sorted(self.missing(texts), key=len)
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            vectors = self._embedder.encode_passages(chunk).astype(np.float16)
            rows = [(self._key(t), v.tobytes()) for t, v in zip(chunk, vectors, strict=True)]
            with closing(self._connect()) as database, database:
                database.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            if progress:
                progress(start + len(chunk), len(missing))
        return len(missing)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """The kept vectors, shape (texts, dimensions). KeyError for a text never embedded."""
        known = self._read(texts)
        if not texts:
            return np.empty((0, 0), np.float32)
        return np.stack(
            [np.frombuffer(known[self._key(t)], np.float16).astype(np.float32) for t in texts]
        )

    def _read(self, texts: Sequence[str]) -> dict[bytes, bytes]:
        keys = list({self._key(text) for text in texts})
        found: dict[bytes, bytes] = {}
        with closing(self._connect()) as database:
            for start in range(0, len(keys), 500):
                some = keys[start : start + 500]
                marks = ",".join("?" * len(some))
                query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"  # noqa: S608
                found.update(database.execute(query, some))
        return found

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self._embedder.fingerprint}\0{text}".encode()).digest()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)
