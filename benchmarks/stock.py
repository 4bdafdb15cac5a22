"""The product's embedding model as stock sentence-transformers has it, to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer


WRITTEN_LAST = "model.safetensors"


def stock_directory(models: Path, dtype: str = "float32") -> str:
    """The directory with the model, written there when it is first asked for."""
    directory = models / dtype
    if not (directory / WRITTEN_LAST).exists():
        import torch

        from training.stock import write_stock

        write_stock(directory, dtype=getattr(torch, dtype))
    return str(directory)


def stock_model(models: Path, dtype: torch.dtype | None = None) -> SentenceTransformer:
    """The model as anybody loads it, or in the type that is fast here."""
    from sentence_transformers import SentenceTransformer

    if dtype is None:
        return SentenceTransformer(stock_directory(models), device="cpu")
    directory = stock_directory(models, str(dtype).removeprefix("torch."))
    known = {"dtype": dtype, "add_pooling_layer": False}
    return SentenceTransformer(directory, device="cpu", model_kwargs=known)
