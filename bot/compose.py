"""The one place where the parts are put together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.settings import Settings
from index.embedder import Embedder
from index.generation import LiveIndex
from retrieval.chain import AnswerChain


@dataclass(frozen=True)
class Parts:
    """What the surfaces share."""

    index: LiveIndex
    embedder: Embedder
    chain: AnswerChain


def make_embedder(settings: Settings) -> Embedder:
    """The embedding model of the settings, not yet loaded."""
    return Embedder(settings.embedding_model, settings.data_dir / "models")


@contextmanager
def composed(settings: Settings) -> Iterator[Parts]:
    """The chain over the index of the settings, closed at the end."""
    embedder = make_embedder(settings)
    index = LiveIndex(settings.data_dir)
    try:
        yield Parts(index, embedder, AnswerChain(index, embedder))
    finally:
        index.close()
