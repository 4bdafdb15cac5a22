"""Eight-bit weights: each row of a matrix as whole numbers from -127 to 127 times its scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

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
