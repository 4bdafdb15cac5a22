"""A process that writes and checks vectors beside the one that indexes.

Embedded Chroma can hang, or take its process with it when its files are damaged; and to import it
takes a second or two, which pass while the model is loaded. What the process is told is pickled.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any, Self, cast

from index.errors import ServerError, StorageError, VirgoletteError
from index.generations.chroma import import_chroma, write_vectors
from index.generations.generation import Generation
from index.generations.layout import ChromaServer, VectorLocation
from index.models.encoder import Vectors

TIME_LIMIT = 300  # seconds
FAILED, NO_SERVER = 1, 3  # exit codes
Batch = tuple[Sequence[str], Vectors]
FEW = 10  # nearest passages, among which a passage finds itself
SAME = 0.999  # cosine of passages with the same text, which may take all those places


def faults(generation: Generation, *, thoroughly: bool = False) -> list[str]:
    """What is wrong with an open generation: counts that differ, a passage that is not found."""
    manifest = generation.manifest
    articles = {header.path for header in generation.store.article_headers()}
    found = []
    if other := len(articles ^ (manifest.files.keys() - manifest.skipped.keys())):
        found.append(f"{other} articles are not both in the store and in the manifest")
    if not generation.size:
        return found
    if generation.keywords.size != generation.size:
        found.append(f"{generation.keywords.size} rows of keywords for {generation.size} passages")
    if generation.vectors.count() != generation.size:
        found.append(f"{generation.vectors.count()} vectors for {generation.size} passages")
    for row in {0, generation.size // 2, generation.size - 1}:
        (passage,) = generation.store.passages([row])
        vector = generation.vectors.stored([passage.id]).get(passage.id)
        if vector is None:
            found.append(f"passage {passage.id} has no vector")
        elif not _finds_itself(generation, passage.id, vector):
            found.append(f"a search does not find passage {passage.id}")
    if thoroughly:
        stored = set(generation.store.ids(range(generation.size)))
        if other := len(stored ^ generation.vectors.ids()):
            found.append(f"{other} ids are not both in the store and in Chroma")
    return found


def _finds_itself(generation: Generation, passage: str, vector: Vectors) -> bool:
    nearest = generation.vectors.nearest(vector, min(FEW, generation.size))
    return passage in nearest or min(nearest.values(), default=0.0) > SAME


class Helper:
    """Such a process, ready to be told of one generation. Start it early.

    A context manager: the process ends with the ``with``, whatever it does.
    """

    def __init__(self) -> None:
        self._complaints = TemporaryFile()  # noqa: SIM115 a pipe that nobody reads can fill
        # -P: a folder named "index" where the user stands must not be taken for this package.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._complaints,
        )
        self._told = cast("IO[bytes]", self._process.stdin)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._complaints.close()

    def write(
        self, place: VectorLocation, removed: Sequence[str], added: Iterable[Batch], *, create: bool
    ) -> None:
        """Have vectors written, as by ``write_vectors``. If that fails, ``check`` tells."""
        self._tell((place, removed, create))
        for batch in added:
            self._tell(batch)
        self._tell(None)

    def check(
        self, directory: Path, server: ChromaServer | None = None, *, thoroughly: bool = False
    ) -> None:
        """Wait for what is written, then have the generation in the directory opened and examined.

        ``thoroughly`` compares every id. Nothing can be told after this.

        Raises StorageError unless it was written and is sound; ServerError if its server is away.
        """
        self._tell((directory, server, thoroughly))
        try:
            # All but the last batch is written by now: the pipe holds no more.
            code = self._process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired as error:
            raise StorageError(f"the index in {directory} cannot be read back in time") from error
        if code:
            self._complaints.seek(0)
            lines = self._complaints.read().decode(errors="replace").split("\n")
            said = [line for line in lines if line.strip()] or [f"exit code {code}"]
            raise (ServerError if code == NO_SERVER else StorageError)(said[-1])

    def _tell(self, message: object) -> None:
        with suppress(BrokenPipeError):  # it has ended: its exit code is looked at
            pickle.dump(message, self._told)
            self._told.flush()


def _main() -> None:
    try:
        import_chroma()
        told = _messages()
        for first, *others in told:
            if isinstance(first, VectorLocation):
                removed, create = others
                write_vectors(first, removed, _batches(told), create=create)
            else:
                _check(first, *others)
                return
    except VirgoletteError as error:
        print(error, file=sys.stderr)
        sys.exit(NO_SERVER if isinstance(error, ServerError) else FAILED)


def _check(directory: Path, server: ChromaServer | None, thoroughly: bool) -> None:
    generation = Generation(directory, server)
    problems = faults(generation, thoroughly=thoroughly)
    generation.close()
    if problems:
        raise StorageError(f"the index in {directory} is not sound: {'; '.join(problems)}")


def _messages() -> Iterator[Any]:
    """What this process is told, one message after another."""
    with suppress(EOFError):  # whoever told it has nothing more to tell, or is no more
        while True:
            yield pickle.load(sys.stdin.buffer)  # noqa: S301 of the process that started this one


def _batches(told: Iterator[Batch | None]) -> Iterator[Batch]:
    """The batches up to the end that was told: without it, whoever sends them is no more."""
    for batch in told:
        if batch is None:
            return
        yield batch
    raise StorageError("the vectors ended too early")


if __name__ == "__main__":
    _main()
