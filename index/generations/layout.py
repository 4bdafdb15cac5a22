"""What lies where below DATA_DIR. Generations are never changed once their name is visible.

DATA_DIR/
    current                  the name of the current generation, replaced atomically
    generations/NAME/        manifest.json, store.sqlite3, sentences.npy, signatures.npy,
                             keywords/, chroma/, and readers: locked by who reads it
    vectors.sqlite3          the cache of vectors
    files.json               digests of the corpus's files, by what the file system tells
    lock, lock.json          held while the index is written, and by whom
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

CURRENT = "current"
CACHE = "vectors.sqlite3"
DIGESTS = "files.json"
# of a generation
MANIFEST = "manifest.json"
STORE = "store.sqlite3"
SENTENCES = "sentences.npy"
SIGNATURES = "signatures.npy"
KEYWORDS = "keywords"
CHROMA = "chroma"
READERS = "readers"
BUILDING = ".building-"  # before the name of one that is not finished


@dataclass(frozen=True)
class ChromaServer:
    """Where a Chroma server is, what it wants to be told, and whose certificate it has.

    ``headers`` go with each request. ``certificate`` is a file of authorities to trust,
    None for the usual ones. ``patience`` is for how many seconds a server that does not answer
    is waited for while writing: long enough to restart it. ``timeout`` is for how many seconds
    one request may stay without an answer.
    """

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    certificate: Path | None = None
    patience: float = 60.0
    timeout: float = 30.0


@dataclass(frozen=True)
class VectorLocation:
    """Where a generation's vectors are: a directory of its own, or a collection on a server."""

    directory: Path
    name: str
    server: ChromaServer | None = None

    @property
    def collection(self) -> str:
        """The collection's name: on a server several generations live side by side."""
        return f"virgolette-{self.name}" if self.server else "passages"


@dataclass(frozen=True)
class Locations:
    """Where the articles are, where the index is, and what may be read.

    ``max_bytes`` is the size from which a file of the corpus is skipped; ``server`` holds
    the vectors, if it is not the index itself.
    """

    corpus: Path
    data_dir: Path
    max_bytes: int = 20_000_000
    server: ChromaServer | None = None


def generations_dir(data_dir: Path) -> Path:
    """Where the generations lie."""
    return data_dir / "generations"


def sync_folder(folder: Path) -> None:
    """Have the names in a folder written to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
