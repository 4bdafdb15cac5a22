"""What training changed in the default model: for each matrix a product of two thin ones.

Source: Hu et al., "LoRA" (ICLR 2022). ``training.retriever`` makes the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

UP, DOWN = ":up", ":down"  # after the name of a matrix: (rows, rank) and (rank, columns), fp16


def changes(
    weights: Mapping[str, NDArray[np.generic]],
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """The names of the changed matrices, and what to add to each."""
    for name, up in weights.items():
        if name.endswith(UP):
            matrix = name.removesuffix(UP)
            yield matrix, up.astype(np.float32) @ weights[matrix + DOWN].astype(np.float32)
