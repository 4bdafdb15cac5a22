"""The default embedding model for questions: without PyTorch, which takes seconds to import."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError
from index.models.adapter import DOWN, UP
from index.models.bert import Bert, StoredRows, mapped
from index.models.packed import (
    ADAPTER,
    PACKED,
    TOKENIZER,
    WEIGHTS,
    WORDS,
    checksum,
    packed_checksum,
)

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from index.models.vectors import Vectors

GRAPH = "encoder.onnx"
SCALE_BYTES = 2  # at the begin of a block


class OnnxEncoder:
    """The model that travels with Virgolette, one text at a time, loaded when first used.

    Its vectors are those of ``Embedder.encode_batches``, but for rounding.
    """

    def __init__(self, packed: Path = PACKED) -> None:
        self.packed = packed
        self._loading = threading.RLock()  # only one thread loads
        self._tokenizing = threading.Lock()  # fast tokenizers must not be used by two threads

    def encode(self, texts: Sequence[str], most: int) -> Vectors:
        """The unit vectors of the texts, shape (texts, dimensions), of ``most`` tokens of each.

        Raises ModelError where the model cannot be loaded.
        """
        from index.models.vectors import unit_vectors

        bert = self.load()
        with self.tokenizer() as tokenizer:
            tokenizer.enable_truncation(most)
            encoded = tokenizer.encode_batch(list(texts))
        return unit_vectors(np.stack([bert.vectors(one.ids).mean(axis=0) for one in encoded]))

    def load(self) -> Bert:
        """The model, loaded. Raises ModelError where it is damaged."""
        with self._loading:
            return self._bert

    @contextmanager
    def tokenizer(self) -> Iterator[Tokenizer]:
        """The model's tokenizer, which neither cuts nor pads, for one thread at a time.

        There is only one, which takes 50 MB; whoever has it may make it cut and pad.
        """
        with self._tokenizing:
            tokenizer = self._tokenizer
            tokenizer.no_truncation()
            tokenizer.no_padding()
            yield tokenizer

    @property
    def weights(self) -> dict[str, NDArray[Any]]:
        """The packed weights by name, mapped. Raises ModelError as ``load`` does.

        ``WORDS`` are the vocabulary's vectors in blocks of four bits: (tokens, blocks, bytes).
        """
        learnt = self._checked / ADAPTER
        return mapped(self.packed / WEIGHTS) | (mapped(learnt) if learnt.exists() else {})

    @property
    def words(self) -> StoredRows:
        """The vocabulary's vectors, read when they are wanted. Raises ModelError as ``load``."""
        with self._loading:
            return self._words

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Tokenizer

        path = self.packed / TOKENIZER
        try:
            return Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:  # tokenizers' have no base class of their own
            raise ModelError(f"cannot read {path}: {error}. Install Virgolette again") from error

    @cached_property
    def _words(self) -> StoredRows:
        return StoredRows(self._checked / WEIGHTS, WORDS)

    @cached_property
    def _checked(self) -> Path:
        """The packed files, checked against their checksum."""
        try:
            if checksum(self.packed) == packed_checksum(self.packed):
                return self.packed
        except (OSError, ValueError) as error:
            raise ModelError(f"cannot read the model in {self.packed}: {error}") from error
        raise ModelError(f"the model in {self.packed} does not match its checksum: install again")

    @cached_property
    def _bert(self) -> Bert:
        weights: dict[str, NDArray[Any]] = {}
        for name, one in self.weights.items():
            if name.endswith((UP, DOWN)):
                weights[name] = one.astype(np.float32)
            elif one.dtype == np.uint8 and name != WORDS:
                weights[name], weights[f"{name}:scale"] = _blocks(one)
            elif name != WORDS:
                weights[name] = one
        return Bert(self.packed / GRAPH, weights, self._words)


def _blocks(packed: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Blocks as MatMulNBits has them, two neighbours in a byte, and their scales."""
    scale = packed[..., :SCALE_BYTES].copy().view("<f2").astype(np.float32)
    nibbles = packed[..., SCALE_BYTES:]
    halves = nibbles & 0x0F, nibbles >> 4  # the weights 0–15 and 16–31
    paired = [half[..., 0::2] | half[..., 1::2] << 4 for half in halves]
    return np.concatenate(paired, axis=-1), scale.reshape(-1)
