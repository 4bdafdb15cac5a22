"""The files below DATA_DIR. A generation never changes once its name is visible.

DATA_DIR/
    current                  the name of the current generation, replaced atomically
    generations/NAME/        manifest.json, store.sqlite3, sentences.npy, signatures.npy,
                             keywords/, chroma/, and readers, which its readers lock
    vectors.sqlite3          the cache of vectors
    files.json               digests of the corpus's files, by their size and times
    lock, lock.json          held while the index is written, and the holder
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

CURRENT = "current"
CACHE = "vectors.sqlite3"
DIGESTS = "files.json"
# In the directory of a generation.
MANIFEST = "manifest.json"
STORE = "store.sqlite3"
SENTENCES = "sentences.npy"
SIGNATURES = "signatures.npy"
KEYWORDS = "keywords"
CHROMA = "chroma"
READERS = "readers"
BUILDING = ".building-"  # prefix of the name of an unfinished one


@dataclass(frozen=True)
class ChromaServer:
    """The address of a Chroma server, and how to talk to it.

    ``headers`` go with each request. ``certificate`` is a file of authorities to trust, None for
    the usual ones. ``patience`` is how many seconds a writer waits for a server that does not
    respond: long enough to restart it. ``timeout`` is how many seconds one request may take.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    certificate: Path | None = None
    patience: float = 60.0
    timeout: float = 30.0


@dataclass(frozen=True)
class VectorLocation:
    """Where a generation's vectors are: in a directory, or in a collection on a server."""

    directory: Path
    name: str
    server: ChromaServer | None = None

    @property
    def collection(self) -> str:
        """The collection's name: a server holds several generations."""
        return f"virgolette-{self.name}" if self.server else "passages"


@dataclass(frozen=True)
class Locations:
    """Where the articles and the index are.

    Files of the corpus above ``max_bytes`` are skipped. ``server`` holds the vectors, if the data
    folder does not.
    """

    corpus: Path
    data_dir: Path
    max_bytes: int = 20_000_000
    server: ChromaServer | None = None


def generations_dir(data_dir: Path) -> Path:
    """The directory of the generations."""
    return data_dir / "generations"
