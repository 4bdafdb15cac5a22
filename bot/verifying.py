"""Verifies a sentence against the current index, without any model."""

from __future__ import annotations

from contextlib import closing

from bot.compose import chroma_server
from bot.settings import Settings
from index.live import LiveIndex
from retrieval.verification import ClaimError, Verification, verify


def verified(settings: Settings, sentence: str) -> Verification:
    """How a sentence stands in the articles. Raises ClaimError."""
    with closing(LiveIndex(settings.data_dir, chroma_server(settings))) as index:
        return verified_in(index, sentence)


def verified_in(index: LiveIndex, sentence: str) -> Verification:
    """The same over an index that is open."""
    with index.reading() as generation:
        if generation is None:
            raise ClaimError("no_index", "there is no index yet: run virgolette index")
        return verify(sentence, generation)
