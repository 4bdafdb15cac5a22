"""The files of the default embedding model, and the formats of the weights in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PACKED = Path(__file__).parent / "default"
WEIGHTS = "weights.q4.safetensors"
ADAPTER = "adapter.safetensors"  # the low-rank changes that training.retriever learns
TOKENIZER = "tokenizer.json"
MARKER = "SHA256"
WORDS = "embeddings.word_embeddings.weight"  # the vocabulary's vectors, which stay packed

BLOCK = 32  # weights in a Q4_0 block
BLOCK_BYTES = 18
SCALE_BYTES = 2  # at the start of a block

# Suffixes of the name of a matrix.
UP, DOWN = ":up", ":down"  # its change as two factors, (rows, rank) and (rank, columns), fp16
SCALE = ":scale"


def packed_checksum(packed: Path = PACKED) -> str:
    """The checksum that was written when the model was made: its identity."""
    return (packed / MARKER).read_text(encoding="ascii").strip()


def checksum(directory: Path, *, learnt: bool = True) -> str:
    """SHA-256 over the names and contents of the model's files, in the order of the names.

    Without the adapter (``learnt``) it identifies the base model, and so the token embeddings.
    """
    digest = hashlib.sha256()
    for path in sorted(p for p in directory.rglob("*") if p.suffix in {".json", ".safetensors"}):
        if learnt or path.name != ADAPTER:
            digest.update(path.relative_to(directory).as_posix().encode() + b"\0")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def block_scales(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The scale of each Q4_0 block, shape (…, 1)."""
    return blocks[..., :SCALE_BYTES].copy().view("<f2").astype(np.float32)


def dequantize(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Weights of shape (rows, columns) from blocks of shape (rows, columns / 32, 18)."""
    rows, per_row, size = blocks.shape
    if size != BLOCK_BYTES:
        raise ValueError(f"a Q4_0 block has {BLOCK_BYTES} bytes, not {size}")
    packed = blocks[..., SCALE_BYTES:]
    nibbles = np.concatenate([packed & 0x0F, packed >> 4], axis=-1)
    weights = (nibbles.astype(np.float32) - 8.0) * block_scales(blocks)
    return weights.reshape(rows, per_row * BLOCK)


def changes(
    weights: Mapping[str, NDArray[np.generic]],
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The names of the matrices that an adapter changes, and what to add to each."""
    for name, up in weights.items():
        if name.endswith(UP):
            matrix = name.removesuffix(UP)
            yield matrix, up.astype(np.float32) @ weights[matrix + DOWN].astype(np.float32)
