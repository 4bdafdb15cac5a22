"""The one place where the parts are put together."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.settings import Settings
from index.errors import VirgoletteError
from index.generations.layout import ChromaServer, Locations

if TYPE_CHECKING:
    from index.generations.current import CurrentIndex
    from index.models.embedder import Embedder
    from retrieval.answering.reader import Reader
    from retrieval.answering.weights import Weights
    from retrieval.chain import AnswerChain

# Seconds: a process that ends while a library starts its threads may abort instead.
LONGEST_LOADING = 60.0
SWITCH_INTERVAL = 0.0001  # seconds: numpy gives way often, each time for Python's own 0.005
UNCALIBRATED = (
    "the weights of sentence choice and refusal are not fitted to the embedding model %s: "
    "confidence and refusals are off until you run virgolette eval FILE --fit"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What the surfaces share."""

    index: CurrentIndex
    embedder: Embedder
    chain: AnswerChain


def locations(settings: Settings) -> Locations:
    """Where the corpus and the index of the settings are."""
    server = chroma_server(settings)
    return Locations(settings.corpus_dir, settings.data_dir, settings.max_file_bytes, server)


def chroma_server(settings: Settings) -> ChromaServer | None:
    """The Chroma server of the settings, or None where Chroma is embedded."""
    if not settings.chroma_url:
        return None
    told = tuple((name, value.get_secret_value()) for name, value in settings.chroma_headers)
    return ChromaServer(settings.chroma_url, told, settings.chroma_certificate)


def make_embedder(settings: Settings) -> Embedder:
    """The embedding model of the settings, not yet loaded."""
    # It brings numpy, which a wrong setting need not wait for.
    from index.models.embedder import Embedder

    return Embedder(settings.embedding_model)


def make_reader(settings: Settings, embedder: Embedder) -> Reader | None:
    """The reader, not yet loaded, unless the settings do without."""
    from retrieval.answering.reader import Reader

    return Reader(embedder.encoder) if settings.reader else None


@contextmanager
def composed(settings: Settings, *, chat: bool = True) -> Iterator[Parts]:
    """The chain over the index of the settings, closed at the end.

    ``chat``: with the chat model of the settings, if they name one.
    """
    embedder = make_embedder(settings)
    reader = make_reader(settings, embedder)
    loading = threading.Thread(target=_load, args=(embedder, reader), daemon=True)
    loading.start()
    try:
        with _composed(settings, embedder, reader, chat=chat) as parts:
            yield parts
    finally:
        loading.join(LONGEST_LOADING)


def _load(embedder: Embedder, reader: Reader | None) -> None:
    """Load the models, which waits for the disk and for other cores, while others import."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        if embedder.is_default:  # another one imports more than all the others
            embedder.encode_query("")
        if reader:
            reader.load()
    except VirgoletteError:
        pass  # who asks is told
    finally:
        sys.setswitchinterval(before)


@contextmanager
def _composed(
    settings: Settings, embedder: Embedder, reader: Reader | None, *, chat: bool
) -> Iterator[Parts]:
    from bot.chat_model import Spending, make_writer
    from index.generations.current import CurrentIndex
    from retrieval.answering.weights import Caution
    from retrieval.chain import AnswerChain

    spending = Spending(settings)
    writer = make_writer(settings, spending) if chat else None
    index = CurrentIndex(settings.data_dir, chroma_server(settings))
    try:
        weights = _weights(settings, embedder)
        caution = Caution(settings.caution)
        chain = AnswerChain(index, embedder, reader, weights, writer, caution)
        try:
            yield Parts(index, embedder, chain)
        finally:
            chain.close()
    finally:
        index.close()
        spending.close()


def calibrated(settings: Settings) -> bool:
    """Whether the weights of sentence choice and refusal are fitted to the embedding model."""
    if not settings.embedding_model:
        return True
    from retrieval.answering.weights import has_weights

    return has_weights(weights_kind(settings), weights_file(settings, make_embedder(settings)))


def weights_kind(settings: Settings) -> str:
    """Which weights are needed: those for answers with a reader or without one."""
    from retrieval.answering.weights import PLAIN, READER

    return READER if settings.reader else PLAIN


def weights_file(settings: Settings, embedder: Embedder) -> Path:
    """Where the weights are that are fitted to another embedding model than the default."""
    from retrieval.answering.weights import fitted_file

    return fitted_file(settings.data_dir, embedder.fingerprint)


def _weights(settings: Settings, embedder: Embedder) -> Weights:
    from retrieval.answering.weights import load_weights

    kind = weights_kind(settings)
    if not settings.embedding_model:
        return load_weights(kind)
    if not calibrated(settings):
        _log.warning(UNCALIBRATED, settings.embedding_model)
        return load_weights(kind)
    return load_weights(kind, weights_file(settings, embedder))
