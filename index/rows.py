"""A numpy file written row after row."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import dtype_to_descr, write_array_header_1_0
from numpy.typing import DTypeLike, NDArray


def write_rows(
    path: Path, kind: DTypeLike, shape: tuple[int, int], blocks: Iterable[NDArray[Any]]
) -> None:
    """Write an array of this shape out of blocks of its rows, one block in memory at a time.

    Raises OSError on a full disk: through a memory map, that would be a signal.
    """
    header = {"descr": dtype_to_descr(np.dtype(kind)), "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        write_array_header_1_0(file, header)
        for block in blocks:
            file.write(np.ascontiguousarray(block, kind).data)
