"""Weights as training and comparisons need them: stock directories, and packing in eight bits."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from index.models.encoder import OnnxEncoder
from index.models.weights import PACKED, SCALE

if TYPE_CHECKING:  # its caller sets the environment before torch is imported
    import torch

STOCK = "model.safetensors"


def write_stock(directory: Path, packed: Path = PACKED, dtype: torch.dtype | None = None) -> Path:
    """Write the default model as sentence-transformers and transformers load it; the directory.

    In ``dtype``, fp32 by default, with the whole vocabulary and the learnt changes. Raises
    ModelError where the packed files are damaged.
    """
    import torch
    from safetensors.torch import save_file

    from index.models.transformer import whole_weights

    weights = whole_weights(OnnxEncoder(packed).weights)
    for path in packed.rglob("*.json"):
        copy = directory / path.relative_to(packed)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    dtype = dtype or torch.float32
    tensors = {name: torch.from_numpy(weight).to(dtype) for name, weight in weights}
    save_file(tensors, directory / STOCK, metadata={"format": "pt"})
    return directory


def pack(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Matrices as int8 (rows, columns) with fp32 scales (rows, 1); vectors in fp32, as they are."""
    import torch

    packed = {}
    for name, weight in weights.items():
        packed[name] = weight.float()
        if weight.dim() == 2:
            scale = packed[name].abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 127
            packed[name + SCALE] = scale
            packed[name] = (packed[name] / scale).round().to(torch.int8)
    return packed


def unpack(packed: Mapping[str, torch.Tensor], dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The weights, rounded to ``dtype``."""
    return {
        name: (value.float() * packed[name + SCALE] if name + SCALE in packed else value).to(dtype)
        for name, value in packed.items()
        if not name.endswith(SCALE)
    }
