"""The files of the default model, as they travel: which they are, and their checksum."""

from __future__ import annotations

import hashlib
from pathlib import Path

PACKED = Path(__file__).parent / "default"
WEIGHTS = "weights.q4.safetensors"
ADAPTER = "adapter.safetensors"  # what was learnt, see index.models.adapter
TOKENIZER = "tokenizer.json"
MARKER = "SHA256"
WORDS = "embeddings.word_embeddings.weight"  # of the weights the vocabulary's, which stay packed


def packed_checksum(packed: Path = PACKED) -> str:
    """The checksum that was written when the model was made: its identity."""
    return (packed / MARKER).read_text(encoding="ascii").strip()


def checksum(directory: Path, *, learnt: bool = True) -> str:
    """SHA-256 over the names and contents of the model's files, in the order of the names.

    Without what was learnt, it tells which model that was learnt in: the token embeddings are its.
    """
    digest = hashlib.sha256()
    for path in sorted(p for p in directory.rglob("*") if p.suffix in {".json", ".safetensors"}):
        if learnt or path.name != ADAPTER:
            digest.update(path.relative_to(directory).as_posix().encode() + b"\0")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
