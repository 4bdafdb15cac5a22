"""One generation of the index, open for reading."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import (
    dtype_to_descr,
    read_array_header_1_0,
    read_magic,
    write_array_header_1_0,
)
from numpy.typing import DTypeLike, NDArray

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
    VectorLocation,
)
from index.generations.manifest import EMBEDDED, read_manifest
from index.generations.pointer import hold
from index.generations.store import Store, Stored
from index.models.encoder import Vectors
from index.text.sentences import Span


def write_rows(
    path: Path, kind: DTypeLike, shape: tuple[int, int], blocks: Iterable[NDArray[Any]]
) -> None:
    """Write an array of this shape out of blocks of its rows, one block in memory at a time.

    Raises OSError on a full disk: through a memory map, that would be a signal.
    """
    header = {"descr": dtype_to_descr(np.dtype(kind)), "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, kind).data)


class RowFile:
    """The rows of such a file. Raises ValueError where it is none, or is cut off.

    Read when they are wanted: a memory map of the file would come to lie in memory as a whole,
    as the system maps what is around each row, too.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        try:
            read_magic(self._file)
            (self.count, self._width), _, self._kind = read_array_header_1_0(self._file)
            self._start = self._file.tell()
            if path.stat().st_size != self._at(self.count):
                raise ValueError(f"{path} has not the size that it tells")
        except BaseException:
            self.close()
            raise

    def read(self, first: int, last: int) -> NDArray[Any]:
        """The rows from the first to the last, shape (rows, width)."""
        begin, end = self._at(first), self._at(last + 1)
        data = os.pread(self._file.fileno(), end - begin, begin)
        return np.frombuffer(data, self._kind).reshape(last + 1 - first, self._width)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _at(self, row: int) -> int:
        return self._start + row * self._width * self._kind.itemsize


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
        self._sentences = opened.enter_context(closing(RowFile(directory / SENTENCES)))
        if self._sentences.count != self.store.count("sentences"):
            raise StorageError(
                f"{directory / SENTENCES} is damaged: run virgolette index --rebuild"
            )
        self._vectors: PassageVectors | None = None
        if self.size:  # an empty HNSW cannot be asked
            place = self._place(directory, server)
            self._vectors = opened.enter_context(closing(PassageVectors(place)))

    def _place(self, directory: Path, server: ChromaServer | None) -> VectorLocation:
        """Where the vectors are: the manifest tells, the settings say how to get there."""
        if self.manifest.stamp.get("vectors", EMBEDDED) == EMBEDDED:
            return VectorLocation(directory / CHROMA, self.name)
        if server is None:
            raise ServerError(
                "the vectors of the index are on a Chroma server: set VIRGOLETTE_CHROMA_URL, "
                "or run virgolette index to bring them here"
            )
        return VectorLocation(directory / CHROMA, self.name.removeprefix(BUILDING), server)

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
