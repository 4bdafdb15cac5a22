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
