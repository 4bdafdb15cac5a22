"""The files of the default embedding model, and how their weights are packed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


PACKED = Path(__file__).parent / "default"
WEIGHTS = "weights.q4.safetensors"
ADAPTER = "adapter.safetensors"  # what was learnt, see index.models.weights
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


BLOCK = 32
BLOCK_BYTES = 18


def dequantize(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Weights of shape (rows, columns) from blocks of shape (rows, columns / 32, 18)."""
    rows, per_row, size = blocks.shape
    if size != BLOCK_BYTES:
        raise ValueError(f"a Q4_0 block has {BLOCK_BYTES} bytes, not {size}")
    scale = blocks[..., :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate([blocks[..., 2:] & 0x0F, blocks[..., 2:] >> 4], axis=-1)
    weights = (nibbles.astype(np.float32) - 8.0) * scale
    return weights.reshape(rows, per_row * BLOCK)


UP, DOWN = ":up", ":down"  # after the name of a matrix: (rows, rank) and (rank, columns), fp16


def changes(
    weights: Mapping[str, NDArray[np.generic]],
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The names of the changed matrices, and what to add to each."""
    for name, up in weights.items():
        if name.endswith(UP):
            matrix = name.removesuffix(UP)
            yield matrix, up.astype(np.float32) @ weights[matrix + DOWN].astype(np.float32)


SCALE = ":scale"  # after the name of a matrix: the name of its scales


def pack(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Matrices as int8 (rows, columns) with fp32 scales (rows, 1); vectors in fp32, as they are."""
    import torch

    packed = {}
    for name, weight in weights.items():
        if weight.dim() != 2:
            packed[name] = weight.float()
            continue
        scale = weight.float().abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
        packed[name] = (weight.float() / scale).round().to(torch.int8)
        packed[name + SCALE] = scale
    return packed


def unpack(packed: Mapping[str, torch.Tensor], dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The weights, rounded to ``dtype``."""
    return {
        name: (value.float() * packed[name + SCALE] if name + SCALE in packed else value).to(dtype)
        for name, value in packed.items()
        if not name.endswith(SCALE)
    }
