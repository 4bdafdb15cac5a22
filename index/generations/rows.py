"""A numpy file written row after row, of which single rows are read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import (
    dtype_to_descr,
    read_array_header_1_0,
    read_magic,
    write_array_header_1_0,
)
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


class StoredRows:
    """The rows of such a file. Raises ValueError where it is none, or is cut off.

    Read when they are wanted: a memory map of the file would come to lie in memory as a whole,
    as the system maps what is around each row, too.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        try:
            read_magic(self._file)
            (self.count, self._width), _, self._kind = read_array_header_1_0(self._file)
            self._start = self._file.tell()
            if path.stat().st_size != self._at(self.count):
                raise ValueError(f"{path} has not the size that it tells")
        except BaseException:
            self.close()
            raise

    def read(self, first: int, last: int) -> NDArray[Any]:
        """The rows from the first to the last, shape (rows, width)."""
        begin, end = self._at(first), self._at(last + 1)
        data = os.pread(self._file.fileno(), end - begin, begin)
        return np.frombuffer(data, self._kind).reshape(last + 1 - first, self._width)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _at(self, row: int) -> int:
        return self._start + row * self._width * self._kind.itemsize
