"""One generation of the index, open for reading, and the file of its sentences' vectors."""

from __future__ import annotations

import os
from collections import Counter
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
from index.generations.store import Store, StoredPassage
from index.models.encoder import Vectors
from index.text.language import MAIN
from index.text.sentences import Span
from index.text.words import language_of

_SAMPLE = 20  # articles


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
        if self.size:  # an empty HNSW graph cannot be searched
            vectors = PassageVectors(self._vector_location(directory, server))
            self._vectors = opened.enter_context(closing(vectors))

    def _vector_location(self, directory: Path, server: ChromaServer | None) -> VectorLocation:
        """The manifest says whether the vectors are on a server, the settings say on which."""
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
        """The vectors of the passages. Raises StorageError where the generation has none."""
        if self._vectors is None:
            raise StorageError(f"the generation {self.name} holds no passages")
        return self._vectors

    @cached_property
    def sources(self) -> list[str]:
        """The outlets of its articles."""
        return self.store.known("source")

    @cached_property
    def dates(self) -> list[str]:
        """The dates of its articles, in ISO 8601."""
        return self.store.known("date")

    @cached_property
    def language(self) -> str:
        """The code of the language of most of its articles, judged by a sample."""
        count = self.store.count("articles")
        sample = self.store.articles(range(0, count, max(count // _SAMPLE, 1)))
        codes = Counter(language_of(article.text) for article in sample)
        return max(codes, key=codes.__getitem__, default=MAIN)

    def sentences(self, passage: StoredPassage) -> list[Span]:
        """The spans of a passage's sentences in its article."""
        return self.store.sentences(passage.first, passage.last)

    def sentence_vectors(self, passage: StoredPassage) -> Vectors:
        """The unit vectors of a passage's sentences, shape (sentences, dimensions)."""
        return np.asarray(self._sentences.read(passage.first, passage.last), np.float32)

    def close(self) -> None:
        """Close all files."""
        self._opened.close()


class RowFile:
    """The rows of a file that ``write_rows`` wrote, read on demand.

    A memory map of the file would end up in memory as a whole, as the system maps the
    surroundings of each row, too. Raises ValueError where the file has another format or is cut
    off.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        try:
            read_magic(self._file)
            (self.count, self._width), _, self._dtype = read_array_header_1_0(self._file)
            self._start = self._file.tell()
            if path.stat().st_size != self._offset(self.count):
                raise ValueError(f"{path} has not the size that its header says")
        except BaseException:
            self.close()
            raise

    def read(self, first: int, last: int) -> NDArray[Any]:
        """The rows from the first to the last, shape (rows, width)."""
        start, end = self._offset(first), self._offset(last + 1)
        data = os.pread(self._file.fileno(), end - start, start)
        return np.frombuffer(data, self._dtype).reshape(last + 1 - first, self._width)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _offset(self, row: int) -> int:
        return self._start + row * self._width * self._dtype.itemsize


def write_rows(
    path: Path, dtype: DTypeLike, shape: tuple[int, int], blocks: Iterable[NDArray[Any]]
) -> None:
    """Write an array in blocks of its rows, as a .npy file, with one block in memory at a time.

    Raises OSError on a full disk: a memory map would end the process with a signal.
    """
    header = {"descr": dtype_to_descr(np.dtype(dtype)), "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype).data)
