"""Check a generation before it becomes the current one, in a process of its own.

Embedded Chroma can hang or take the process with it when its files are damaged; a
subprocess with a time limit turns both into an error.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from index.chroma import ChromaServer, import_chroma
from index.embedder import Vectors
from index.errors import ServerError, StorageError, VirgoletteError
from index.generation import Generation

TIME_LIMIT = 300  # seconds
NO_SERVER = 3  # exit code
FEW = 10  # nearest passages, among which a passage finds itself
SAME = 0.999  # cosine of passages with the same text, which may take all those places


class Verifier:
    """A process that is ready to check a generation. It takes a second to start: start it early.

    A context manager: without a check, the process ends with the ``with``.
    """

    def __init__(self) -> None:
        # -P: a folder named "index" where the user stands must not be taken for this package.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "index.verify"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )

    def __enter__(self) -> Verifier:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def check(
        self, directory: Path, server: ChromaServer | None = None, *, thoroughly: bool = False
    ) -> None:
        """Raise StorageError unless the process finds the generation in the directory sound.

        ``thoroughly`` compares every id.
        """
        # By standard input: the headers of a server may hold a password.
        told = json.dumps(
            [str(directory), asdict(server) if server else None, thoroughly], default=str
        )
        try:
            _, complaint = self._process.communicate(told, timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired as error:
            raise StorageError(f"the index in {directory} cannot be read back in time") from error
        if self._process.returncode == NO_SERVER:
            raise ServerError(complaint.strip())
        if self._process.returncode:
            lines = complaint.strip().splitlines() or [f"exit code {self._process.returncode}"]
            raise StorageError(f"the index in {directory} is not sound: {lines[-1]}")


def faults(generation: Generation, *, thoroughly: bool = False) -> list[str]:
    """What is wrong with an open generation: counts that differ, a passage that is not found."""
    manifest = generation.manifest
    articles = {header.path for header in generation.store.article_headers()}
    found = []
    if other := len(articles ^ (manifest.files.keys() - manifest.skipped.keys())):
        found.append(f"{other} articles are not both in the store and in the manifest")
    if not generation.size:
        return found
    if generation.keywords.size not in (None, generation.size):
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


def _main() -> None:
    try:
        import_chroma()
        told = sys.stdin.read()
        if not told:  # whoever started this has nothing to check, or is no more
            return
        directory, server, thoroughly = json.loads(told)
        generation = Generation(Path(directory), _server(server))
        problems = faults(generation, thoroughly=thoroughly)
        generation.close()
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(NO_SERVER)
    except VirgoletteError as error:
        sys.exit(str(error))
    sys.exit("; ".join(problems) or 0)


def _server(told: dict[str, object] | None) -> ChromaServer | None:
    if told is None:
        return None
    headers = tuple((str(name), str(value)) for name, value in told["headers"])  # type: ignore[attr-defined]
    certificate = Path(str(told["certificate"])) if told["certificate"] else None
    return ChromaServer(str(told["url"]), headers, certificate)  # patience is for writing


if __name__ == "__main__":
    _main()
