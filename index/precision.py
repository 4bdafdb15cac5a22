"""How a model computes on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

SHAPES = 256  # kept, by PyTorch and by oneDNN; both have 1024 otherwise


def fast_dtype() -> torch.dtype:
    """bf16 where the CPU multiplies it in hardware, fp32 elsewhere: there bf16 is slower.

    Imports torch, and sees to it that its threads do not spin while they wait: one that does,
    and a busy neighbour, cost a factor of forty; and that it does not keep what it made ready for
    a thousand shapes of texts, a megabyte for each question more. It reads that when it begins.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for cache in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
        os.environ.setdefault(cache, str(SHAPES))
    import torch

    capabilities = torch.cpu.get_capabilities()
    fast = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
    return torch.bfloat16 if fast else torch.float32
