"""Writes the vectors of a generation into its Chroma collection, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from index.chroma import write_vectors
from index.embedder import Vectors
from index.errors import StorageError
from index.helper import Helper, help_with
from index.place import Place

Batch = tuple[Sequence[str], Vectors]


class VectorWriter(Helper):
    """A process that is ready to write vectors."""

    def __init__(self) -> None:
        super().__init__(__name__)

    def write(
        self, place: Place, removed: Sequence[str], added: Iterable[Batch], *, create: bool
    ) -> None:
        """As ``write_vectors``. Raises StorageError when the process fails."""
        self.tell((place, removed, create))
        for batch in added:
            self.tell(batch)
        self.tell(None)
        self.finish()


def _write(told: Iterator[Any]) -> None:
    for place, removed, create in told:
        write_vectors(place, removed, _batches(told), create=create)


def _batches(told: Iterator[Batch | None]) -> Iterator[Batch]:
    """The batches up to the end that was told: without it, whoever sends them is no more."""
    for batch in told:
        if batch is None:
            return
        yield batch
    raise StorageError("the vectors ended too early")


if __name__ == "__main__":
    help_with(_write)
