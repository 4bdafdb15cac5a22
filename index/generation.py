"""Generations on disk: complete, never changed once visible, one of them the current one.

DATA_DIR/
    current                  the name of the current generation, replaced atomically
    generations/NAME/        manifest.json, store.sqlite3, sentences.npy, keywords/, chroma/
    vectors.sqlite3          the cache of vectors
    models/                  the default model, unpacked
    lock                     held while the index is written
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from index.embedder import Vectors
from index.errors import StorageError
from index.keywords import KeywordIndex
from index.sentences import Span
from index.store import Store, Stored
from index.vectors import PassageVectors

MANIFEST = "manifest.json"
STORE = "store.sqlite3"
SENTENCES = "sentences.npy"
KEYWORDS = "keywords"
CHROMA = "chroma"


@dataclass(frozen=True)
class Manifest:
    """What a generation was made from.

    ``stamp`` names the model and the versions of loaders, splitter and schema. ``files`` has
    the SHA-256 of every file's bytes by path ("" where it could not be read), those that
    became no article included; ``skipped`` says why they did not.
    """

    stamp: dict[str, str]
    files: dict[str, str]
    skipped: dict[str, str]
    created: str


def generations_dir(data_dir: Path) -> Path:
    """Where the generations lie."""
    return data_dir / "generations"


def current_name(data_dir: Path) -> str | None:
    """The name of the current generation, or None before the first one."""
    try:
        return (data_dir / "current").read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"cannot read {data_dir / 'current'}: {error}") from error


def switch_to(data_dir: Path, name: str) -> None:
    """Make a generation the current one. Readers see the old one or this one, nothing between."""
    new = data_dir / "current.new"
    with new.open("w", encoding="ascii") as file:
        file.write(name + "\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(data_dir / "current")


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
    """An open generation: articles, passages, sentences, keywords and vectors, to read."""

    def __init__(self, directory: Path) -> None:
        self.name = directory.name
        try:
            self.manifest = read_manifest(directory)
            self.store = Store(directory / STORE)
            self.keywords = KeywordIndex.open(directory / KEYWORDS)
            self.size = self.store.count("passages")
            # Chroma is asked only where there is something to find: an empty HNSW cannot be.
            self._vectors = PassageVectors(directory / CHROMA) if self.size else None
            self._sentences = np.load(directory / SENTENCES, mmap_mode="r")
            if len(self._sentences) != self.store.count("sentences"):
                raise StorageError(
                    f"{directory / SENTENCES} is damaged: run virgolette index --rebuild"
                )
        except StorageError:
            raise
        except Exception as error:  # Chroma, SQLite and numpy each raise their own
            raise StorageError(
                f"the index in {directory} cannot be opened ({error}): "
                "run virgolette index --rebuild"
            ) from error

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
        self.store.close()
        if self._vectors is not None:
            self._vectors.close()


class LiveIndex:
    """The current generation, whichever it is at the moment. Safe to use from several threads.

    The pointer is read at every use, which costs microseconds; a new generation is opened by
    the first who meets it, and the old one is closed when the last who reads it is done.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._lock = threading.Lock()
        self._current: Generation | None = None
        self._readers: dict[Generation, int] = {}

    @contextmanager
    def reading(self) -> Iterator[Generation | None]:
        """The current generation for the length of a ``with``, or None when there is no index."""
        generation = self._enter()
        try:
            yield generation
        finally:
            self._leave(generation)

    def close(self) -> None:
        """Close the generation in use. Nobody may be reading."""
        with self._lock:
            if self._current is not None:
                self._current.close()
            self._current = None

    def _enter(self) -> Generation | None:
        with self._lock:
            name = current_name(self._data_dir)
            if name is None:
                return None
            if self._current is None or self._current.name != name:
                self._replace(Generation(generations_dir(self._data_dir) / name))
            if self._current is not None:
                self._readers[self._current] = self._readers.get(self._current, 0) + 1
            return self._current

    def _replace(self, new: Generation) -> None:
        old, self._current = self._current, new
        if old is not None and not self._readers.get(old):
            old.close()

    def _leave(self, generation: Generation | None) -> None:
        if generation is None:
            return
        with self._lock:
            self._readers[generation] -= 1
            if not self._readers[generation]:
                del self._readers[generation]
                if generation is not self._current:
                    generation.close()
