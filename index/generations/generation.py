"""One generation of the index, open to be read."""

from __future__ import annotations

from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path

import numpy as np

from index.errors import ServerError, StorageError
from index.generations.chroma import PassageVectors
from index.generations.keywords import KeywordIndex
from index.generations.layout import (
    BUILDING,
    CHROMA,
    KEYWORDS,
    SENTENCES,
    STORE,
    ChromaServer,
    Place,
)
from index.generations.manifest import EMBEDDED, read_manifest
from index.generations.pointer import hold
from index.generations.rows import StoredRows
from index.generations.store import Store, Stored
from index.models.vectors import Vectors
from index.text.sentences import Span


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
        opened.enter_context(hold(directory))
        self.manifest = read_manifest(directory)
        self.store = opened.enter_context(closing(Store(directory / STORE)))
        self.keywords = KeywordIndex(directory / KEYWORDS)
        self.size = self.store.count("passages")
        self._sentences = opened.enter_context(closing(StoredRows(directory / SENTENCES)))
        if self._sentences.count != self.store.count("sentences"):
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

    @cached_property
    def sources(self) -> list[str]:
        """The outlets that its articles name."""
        return self.store.known("source")

    @cached_property
    def dates(self) -> list[str]:
        """The dates of its articles, in ISO 8601."""
        return self.store.known("date")

    def sentences(self, passage: Stored) -> list[Span]:
        """The spans of a passage's sentences in its article."""
        return self.store.sentences(passage.first, passage.last)

    def sentence_vectors(self, passage: Stored) -> Vectors:
        """The unit vectors of a passage's sentences, shape (sentences, dimensions)."""
        return np.asarray(self._sentences.read(passage.first, passage.last), np.float32)

    def close(self) -> None:
        """Give the files back."""
        self._opened.close()
