"""What is not needed goes back to the system."""

from __future__ import annotations

import ctypes
import mmap
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

WEIGHTS = ".safetensors"  # the files of models, mapped into memory
_MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (.*)\n((?:[A-Z].*\n)*)", re.MULTILINE)
_OWN = re.compile(r"^(?:Anonymous|Swap): +([0-9]+) kB$", re.MULTILINE)


def give_back_memory() -> None:
    """Have glibc return what was freed: it keeps it otherwise, some 80 MB after loading a model.

    Other C libraries have no such call, and need none.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


def give_back_weights() -> None:
    """Have the system take the memory of the models' weights, if something else needs it.

    Only of those that are mapped. They stay in its cache of files as long as it has room, and
    whoever needs them has them again within milliseconds. See madvise(2), MADV_DONTNEED. Systems
    without /proc keep them.
    """
    with suppress(AttributeError, OSError):
        advise = ctypes.CDLL(None, use_errno=True).madvise
        for start, end in _clean_weights():
            advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_DONTNEED)


def _clean_weights() -> Iterator[tuple[int, int]]:
    """Where weights are mapped, as addresses, of which this process has no copy of its own.

    See proc(5), smaps: "Anonymous" and "Swap" are such copies.
    """
    told = Path("/proc/self/smaps").read_text()
    for found in _MAPPING.finditer(told):
        name, fields = found[3], found[4]
        if name.endswith(WEIGHTS) and not any(int(size) for size in _OWN.findall(fields)):
            yield int(found[1], 16), int(found[2], 16)
