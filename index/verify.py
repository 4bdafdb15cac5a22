"""Check a generation before it becomes the current one, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from index.chroma import import_chroma
from index.errors import StorageError, VirgoletteError
from index.generation import Generation
from index.helper import Helper, messages
from index.place import ChromaServer

TIME_LIMIT = 300  # seconds


class Verifier(Helper):
    """A process that is ready to check a generation."""

    def __init__(self) -> None:
        super().__init__(__name__)

    def check(
        self, directory: Path, server: ChromaServer | None = None, *, thoroughly: bool = False
    ) -> None:
        """Raise StorageError unless the process finds the generation in the directory sound.

        ``thoroughly`` compares every id.
        """
        self.tell((directory, server, thoroughly))
        try:
            self.finish(TIME_LIMIT)
        except subprocess.TimeoutExpired as error:
            raise StorageError(f"the index in {directory} cannot be read back in time") from error
        except StorageError as error:
            raise StorageError(f"the index in {directory} is not sound: {error}") from error


def faults(generation: Generation, *, thoroughly: bool = False) -> list[str]:
    """What is wrong with an open generation: counts that differ, a passage that is not found."""
    if not generation.size:
        return []
    found = []
    if generation.vectors.count() != generation.size:
        found.append(f"{generation.vectors.count()} vectors for {generation.size} passages")
    for row in {0, generation.size // 2, generation.size - 1}:
        (passage,) = generation.store.passages([row])
        vector = np.mean(generation.sentence_vectors(passage), axis=0)
        if not generation.vectors.cosines(vector, [passage.id]):
            found.append(f"passage {passage.id} has no vector")
        if not generation.vectors.nearest(vector, 1):
            found.append("a search finds nothing")
    if thoroughly:
        stored = set(generation.store.ids(range(generation.size)))
        if other := len(stored ^ generation.vectors.ids()):
            found.append(f"{other} ids are not both in the store and in Chroma")
    return found


def _main() -> None:
    problems: list[str] = []
    try:
        import_chroma()
        for directory, server, thoroughly in messages():
            generation = Generation(directory, server)
            problems += faults(generation, thoroughly=thoroughly)
            generation.close()
    except VirgoletteError as error:
        sys.exit(str(error))
    sys.exit("; ".join(problems) or 0)


if __name__ == "__main__":
    _main()
