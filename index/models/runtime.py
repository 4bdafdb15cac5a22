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
CACHED_SHAPES = 256  # by PyTorch and by oneDNN, each; their default is 1024


def fast_dtype() -> torch.dtype:
    """bf16 where the CPU multiplies it faster than fp32, else fp32.

    With AMX it does. AMD's AVX-512 is assumed to, without a measurement. Intel's has the
    instructions, too, but an Emerald Rapids with AMX hidden does half as many multiplications a
    second in bf16 as in fp32.

    Imports torch, which reads two settings at its start. Its threads must not spin while they
    wait: one that does, and a busy neighbour, cost a factor of forty. Its caches must not keep
    primitives for a thousand shapes of texts, a megabyte more for each question.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for cache in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
        os.environ.setdefault(cache, str(CACHED_SHAPES))
    import torch

    capabilities = torch.cpu.get_capabilities()
    intel = "Intel" in str(capabilities.get("cpu_name"))
    fast = capabilities.get("amx_bf16") or (capabilities.get("avx512_bf16") and not intel)
    return torch.bfloat16 if fast else torch.float32


def lower_priority() -> None:
    """Lower the priority of this thread, and of those it starts, below that of an event loop."""
    with suppress(AttributeError, OSError):  # only Linux has a priority for each thread
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


@contextmanager
def one_thread_per_batch() -> Iterator[tuple[ThreadPoolExecutor, int]]:
    """As many threads as PyTorch would use for one batch, each to compute a batch of its own.

    Two batches side by side take four fifths of the time of one after the other, where the
    threads wait for each other after every step.
    """
    import torch

    number = torch.get_num_threads()
    threads = ThreadPoolExecutor(number, "lone", torch.set_num_threads, (1,))
    try:
        yield threads, number
    finally:
        threads.shutdown(cancel_futures=True)
        torch.set_num_threads(number)  # else later threads would compute alone, too


def trim_memory() -> None:
    """Have glibc return freed memory, which it would keep: some 80 MB after loading a model.

    Other C libraries have no such call, and need none.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
