"""The product's embedding model in stock sentence-transformers, to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

WRITTEN_LAST = "model.safetensors"


def stock_directory(models: Path, dtype: str = "float32") -> str:
    """The directory with the model, written there at the first call."""
    directory = models / dtype
    if not (directory / WRITTEN_LAST).exists():
        import torch

        from training.stock import write_stock  # here: what is measured must not pay for it

        write_stock(directory, dtype=getattr(torch, dtype))
    return str(directory)


def stock_model(models: Path, dtype: torch.dtype | None = None) -> SentenceTransformer:
    """The model as it loads by default, or in the given type."""
    from sentence_transformers import SentenceTransformer

    if dtype is None:
        return SentenceTransformer(stock_directory(models), device="cpu")
    directory = stock_directory(models, str(dtype).removeprefix("torch."))
    options = {"dtype": dtype, "add_pooling_layer": False}
    return SentenceTransformer(directory, device="cpu", model_kwargs=options)
