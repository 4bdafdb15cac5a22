"""Rows of numbers that stand for texts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def unit_vectors(vectors: Any) -> Vectors:
    """The rows at length 1: bf16 leaves them a little off, other models need not do it."""
    array = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    return np.asarray(array / np.maximum(lengths, 1e-12), np.float32)
