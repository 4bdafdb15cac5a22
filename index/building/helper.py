"""A process that writes and checks vectors beside the one that indexes.

Embedded Chroma can hang, or crash its process when its files are damaged. Its import takes a
second or two, which pass while the model is loaded. Messages to the process are pickled.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Self, cast

from index.errors import ServerError, StorageError, VirgoletteError
from index.generations.chroma import import_chroma, write_vectors
from index.generations.generation import Generation
from index.generations.layout import ChromaServer, VectorLocation
from index.models.encoder import Vectors

_TIME_LIMIT = 300  # seconds
_FAILED, _NO_SERVER = 1, 3  # exit codes
_NEAREST = 10  # results of a search, among which a passage must find itself
_SAME = 0.999  # cosine of passages with the same text, which may be all the results
Batch = tuple[Sequence[str], Vectors]


def faults(generation: Generation, *, thorough: bool = False) -> list[str]:
    """What is wrong with an open generation. ``thorough`` compares all ids."""
    manifest, size = generation.manifest, generation.size
    articles = {header.path for header in generation.store.article_headers()}
    problems = []
    if count := len(articles ^ (manifest.files.keys() - manifest.skipped.keys())):
        problems.append(f"{count} articles are not both in the store and in the manifest")
    if not size:
        return problems
    vectors = generation.vectors  # an empty generation has none
    if generation.keywords.size != size:
        problems.append(f"{generation.keywords.size} rows of keywords for {size} passages")
    if vectors.count() != size:
        problems.append(f"{vectors.count()} vectors for {size} passages")
    for row in {0, size // 2, size - 1}:
        (passage,) = generation.store.passages([row])
        vector = vectors.stored([passage.id]).get(passage.id)
        if vector is None:
            problems.append(f"passage {passage.id} has no vector")
            continue
        nearest = vectors.nearest(vector, min(_NEAREST, size))
        if passage.id not in nearest and min(nearest.values(), default=0.0) <= _SAME:
            problems.append(f"a search does not find passage {passage.id}")
    if thorough and (count := len(set(generation.store.ids(range(size))) ^ vectors.ids())):
        problems.append(f"{count} ids are not both in the store and in Chroma")
    return problems


class Helper:
    """Such a process, for one generation. Start it early.

    As a context manager it ends the process in any case.
    """

    def __init__(self) -> None:
        self._errors = TemporaryFile()  # noqa: SIM115 an unread pipe can fill up
        # -P: a folder "index" in the working directory must not shadow this package.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
        )
        self._stdin = cast("IO[bytes]", self._process.stdin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def write(
        self,
        location: VectorLocation,
        removed: Sequence[str],
        added: Iterable[Batch],
        *,
        create: bool,
    ) -> None:
        """Have vectors written as by ``write_vectors``. ``check`` reports a failure."""
        self._send((location, removed, create))
        for batch in added:
            self._send(batch)
        self._send(None)

    def check(
        self, directory: Path, server: ChromaServer | None = None, *, thorough: bool = False
    ) -> None:
        """Wait for the writing, then have the generation examined by ``faults``. This ends the use.

        Raises StorageError unless it was written and is sound, ServerError if its server is away.
        """
        self._send((directory, server, thorough))
        try:
            # All but the last batch is written by now: the pipe holds no more.
            code = self._process.wait(_TIME_LIMIT)
        except subprocess.TimeoutExpired as error:
            raise StorageError(f"the index in {directory} cannot be read back in time") from error
        if code:
            self._errors.seek(0)
            lines = self._errors.read().decode(errors="replace").split("\n")
            printed = [line for line in lines if line.strip()] or [f"exit code {code}"]
            raise (ServerError if code == _NO_SERVER else StorageError)(printed[-1])

    def _send(self, message: object) -> None:
        with suppress(BrokenPipeError):  # the process has ended: its exit code matters
            pickle.dump(message, self._stdin)
            self._stdin.flush()


def _main() -> None:
    try:
        import_chroma()
        messages = _messages()
        for first, *arguments in messages:
            if isinstance(first, VectorLocation):
                removed, create = arguments
                write_vectors(first, removed, _batches(messages), create=create)
            else:
                _check(first, *arguments)
                return
    except VirgoletteError as error:
        print(error, file=sys.stderr)
        sys.exit(_NO_SERVER if isinstance(error, ServerError) else _FAILED)


def _check(directory: Path, server: ChromaServer | None, thorough: bool) -> None:
    generation = Generation(directory, server)
    problems = faults(generation, thorough=thorough)
    generation.close()
    if problems:
        raise StorageError(f"the index in {directory} is not sound: {'; '.join(problems)}")


def _messages() -> Iterator[Any]:
    with suppress(EOFError):  # the sender has finished or died
        while True:
            yield pickle.load(sys.stdin.buffer)  # noqa: S301 from the parent process


def _batches(messages: Iterator[Batch | None]) -> Iterator[Batch]:
    """The batches up to the end mark. Without that, the sender has died."""
    for batch in messages:
        if batch is None:
            return
        yield batch
    raise StorageError("the vectors ended too early")


if __name__ == "__main__":
    _main()
