"""How models run on this machine: precision, threads and memory."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


NICENESS = 5  # of threads that compute
SHAPES = 256  # kept, by PyTorch and by oneDNN; both have 1024 otherwise


def fast_dtype() -> torch.dtype:
    """bf16 where the CPU multiplies it faster than fp32, else fp32.

    With AMX it does. AMD's AVX-512 is taken to do it, which was not measured. Intel's has the
    instructions, too, but an Emerald Rapids with AMX hidden does half as many multiplications a
    second in bf16 as in fp32.

    Imports torch, and sees to it that its threads do not spin while they wait: one that does,
    and a busy neighbour, cost a factor of forty; and that it does not keep what it made ready for
    a thousand shapes of texts, a megabyte for each question more. It reads that when it begins.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for cache in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
        os.environ.setdefault(cache, str(SHAPES))
    import torch

    capabilities = torch.cpu.get_capabilities()
    intel = "Intel" in str(capabilities.get("cpu_name"))
    fast = capabilities.get("amx_bf16") or (capabilities.get("avx512_bf16") and not intel)
    return torch.bfloat16 if fast else torch.float32


def give_way() -> None:
    """Have this thread, and those that it starts, give way to an event loop."""
    with suppress(AttributeError, OSError):  # Linux alone has a priority for each thread
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


@contextmanager
def lone_threads() -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """As many threads as PyTorch would compute one batch with, each of which computes its own.

    Two batches side by side take four fifths of the time of one after the other, where both
    threads wait for each other after every step.
    """
    import torch

    number = torch.get_num_threads()
    threads = ThreadPoolExecutor(number, "lone", torch.set_num_threads, (1,))
    try:
        yield threads, number
    finally:
        threads.shutdown(cancel_futures=True)
        torch.set_num_threads(number)  # or threads to come would compute alone, too


def give_back_memory() -> None:
    """Have glibc return what was freed: it keeps it otherwise, some 80 MB after loading a model.

    Other C libraries have no such call, and need none.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
