"""Verifies a sentence against the current index, without any model."""

from __future__ import annotations

from contextlib import closing

from bot.compose import chroma_server
from bot.settings import Settings
from index.errors import UsageError
from index.live import LiveIndex
from retrieval.verification import Verification, verify


def verified(settings: Settings, sentence: str) -> Verification:
    """How a sentence stands in the articles. Raises UsageError where there is no index."""
    with closing(LiveIndex(settings.data_dir, chroma_server(settings))) as index:
        return verified_in(index, sentence)


def verified_in(index: LiveIndex, sentence: str) -> Verification:
    """The same over an index that is open."""
    with index.reading() as generation:
        if generation is None:
            raise UsageError("there is no index yet: run virgolette index")
        return verify(sentence, generation)
