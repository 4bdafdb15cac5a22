"""Where the articles are, and where their vectors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
class Place:
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
