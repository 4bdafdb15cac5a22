"""How a model computes on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def fast_dtype() -> torch.dtype:
    """bf16 where the CPU multiplies it in hardware, fp32 elsewhere: there bf16 is slower.

    Imports torch, and sees to it that its threads do not spin while they wait: one that does,
    and a busy neighbour, cost a factor of forty. It reads that when it is imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    capabilities = torch.cpu.get_capabilities()
    fast = capabilities.get("amx_bf16") or capabilities.get("avx512_bf16")
    return torch.bfloat16 if fast else torch.float32
