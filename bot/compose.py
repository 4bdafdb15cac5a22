"""Builds the parts of the bot out of the settings."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
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

# Seconds to wait for a loading thread at the end: a process that ends while a library starts its
# threads may abort instead.
LOADING_TIMEOUT = 60.0
SWITCH_INTERVAL = 0.0001  # seconds; numpy often drops the GIL and waits this long to get it back
UNCALIBRATED = (
    "the weights of sentence choice and refusal are not fitted to the embedding model %s: "
    "confidence and refusals are off until you run virgolette eval FILE --fit"
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What the command line, the REPL and the Telegram bot share."""

    index: CurrentIndex
    embedder: Embedder
    chain: AnswerChain


def locations(settings: Settings) -> Locations:
    """Corpus and index of the settings."""
    server = chroma_server(settings)
    return Locations(settings.corpus_dir, settings.data_dir, settings.max_file_bytes, server)


def chroma_server(settings: Settings) -> ChromaServer | None:
    """The Chroma server of the settings; None if Chroma is embedded."""
    if not settings.chroma_url:
        return None
    headers = tuple((name, value.get_secret_value()) for name, value in settings.chroma_headers)
    return ChromaServer(settings.chroma_url, headers, settings.chroma_certificate)


def make_embedder(settings: Settings) -> Embedder:
    """The embedding model of the settings, not yet loaded."""
    from index.models.embedder import Embedder  # imports numpy: a wrong setting fails before

    return Embedder(settings.embedding_model)


def make_reader(settings: Settings, embedder: Embedder) -> Reader | None:
    """The reader, not yet loaded; None if the settings turn it off."""
    from retrieval.answering.reader import Reader

    return Reader(embedder.encoder) if settings.reader else None


@contextmanager
def composed(settings: Settings, *, chat: bool = True, preload: bool = True) -> Iterator[Parts]:
    """The answer chain over the index of the settings, closed at the end.

    ``chat``: with the chat model of the settings, if they name one. ``preload``: load the other
    models at once, not when the first question needs them.
    """
    embedder = make_embedder(settings)
    reader = make_reader(settings, embedder)
    with ExitStack() as resources:
        if preload:
            loading = threading.Thread(target=_load, args=(embedder, reader), daemon=True)
            loading.start()
            resources.callback(loading.join, LOADING_TIMEOUT)
        from bot.chat_model import Spending, make_writer
        from index.generations.current import CurrentIndex
        from retrieval.answering.weights import Caution
        from retrieval.chain import AnswerChain

        spending = resources.enter_context(closing(Spending(settings)))
        writer = make_writer(settings, spending) if chat else None
        index = CurrentIndex(settings.data_dir, chroma_server(settings))
        resources.callback(index.close)
        weights = _fitted_weights(settings, embedder)
        chain = AnswerChain(index, embedder, reader, weights, writer, Caution(settings.caution))
        resources.callback(chain.close)
        yield Parts(index, embedder, chain)


def _load(embedder: Embedder, reader: Reader | None) -> None:
    """Load the models, which waits for the disk and other cores, while the main thread imports."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)
    try:
        if embedder.is_default:  # another model imports more than everything else together
            embedder.encode_query("")
        if reader:
            reader.load()
    except VirgoletteError:
        pass  # the first question raises it again
    finally:
        sys.setswitchinterval(before)


def calibrated(settings: Settings) -> bool:
    """Whether the weights of sentence choice and refusal are fitted to the embedding model."""
    if not settings.embedding_model:
        return True
    from retrieval.answering.weights import has_weights

    return has_weights(weights_kind(settings), weights_file(settings, make_embedder(settings)))


def weights_kind(settings: Settings) -> str:
    """The kind of weights in use: with a reader or without one."""
    from retrieval.answering.weights import PLAIN, READER

    return READER if settings.reader else PLAIN


def weights_file(settings: Settings, embedder: Embedder) -> Path:
    """The file of the weights for an embedding model other than the default."""
    from retrieval.answering.weights import fitted_file

    return fitted_file(settings.data_dir, embedder.fingerprint)


def _fitted_weights(settings: Settings, embedder: Embedder) -> Weights | None:
    """The weights for an embedding model other than the default; None for those of the default."""
    from retrieval.answering.weights import load_weights

    if not settings.embedding_model:
        return None
    if not calibrated(settings):
        _log.warning(UNCALIBRATED, settings.embedding_model)
        return None
    return load_weights(weights_kind(settings), weights_file(settings, embedder))
