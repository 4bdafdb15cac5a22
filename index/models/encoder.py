"""The default embedding model on onnxruntime: no PyTorch, which takes seconds to import."""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError
from index.models.weights import (
    ADAPTER,
    DOWN,
    PACKED,
    TOKENIZER,
    UP,
    WEIGHTS,
    WORDS,
    checksum,
    dequantize,
    packed_checksum,
)

if TYPE_CHECKING:
    from tokenizers import Tokenizer


Vectors = NDArray[np.float32]


def unit_vectors(vectors: Any) -> Vectors:
    """The rows at length 1: bf16 leaves them a little off, other models need not do it."""
    array = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    return np.asarray(array / np.maximum(lengths, 1e-12), np.float32)


KINDS = {"U8": np.uint8, "I8": np.int8, "F16": np.float16, "F32": np.float32}
POSITIONS = "embeddings.position_embeddings.weight"
SEGMENTS = "embeddings.token_type_embeddings.weight"
CHECKSUM = ".sha256"  # of the file beside a graph
ERRORS_ONLY = 3

Weights = Mapping[str, NDArray[Any]]


class Bert:
    """A model that is loaded. It computes with the thread that asks it, and may be asked by many.

    Args:
        graph: the file that ``training.graphs`` writes.
        weights: by the names that the graph has for them, with the tables of positions and
            segments, shape (number, dimensions).
        words: the vocabulary's vectors, each in blocks of four bits, shape (blocks, bytes).

    Raises:
        ModelError: the graph cannot be read, or does not fit the weights.
    """

    def __init__(self, graph: Path, weights: Weights, words: TensorRows) -> None:
        tables = (POSITIONS, SEGMENTS)
        self._places = np.asarray(weights[POSITIONS] + weights[SEGMENTS][0], np.float32)
        self._words = words
        left = {name: one for name, one in weights.items() if name not in tables}
        self._session = _session(graph, left)

    def vectors(self, tokens: Sequence[int]) -> Vectors:
        """The last layer's vectors of one text, shape (tokens, dimensions)."""
        embedded = dequantize(self._words.read(tokens)) + self._places[: len(tokens)]
        (hidden,) = self._session.run(None, {"embedded": embedded})
        return np.asarray(hidden, np.float32)


class TensorRows:
    """The rows of one tensor in a safetensors file, read when they are wanted.

    Mapped, what lies around them would come to lie in memory too. Raises as ``mapped`` does.
    """

    def __init__(self, file: Path, name: str) -> None:
        with file.open("rb") as opened:
            place = _layout(opened)[name]
        _, *self._shape = place["shape"]
        self._kind = np.dtype(KINDS[place["dtype"]])
        self._start = place["start"]
        self._length = math.prod(self._shape) * self._kind.itemsize
        self._file = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)

    def read(self, rows: Sequence[int]) -> NDArray[Any]:
        """These rows, shape (rows, …)."""
        starts = (self._start + row * self._length for row in rows)
        data = b"".join(os.pread(self._file, self._length, start) for start in starts)
        return np.frombuffer(data, self._kind).reshape(-1, *self._shape)


def mapped(file: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a safetensors file, by name, mapped: only what is used takes memory.

    Raises OSError, ValueError or KeyError where the file is none.
    """
    with file.open("rb") as opened:
        places = _layout(opened)
    data = np.memmap(file, np.uint8, "r")
    return {
        name: data[place["start"] : place["end"]]
        .view(KINDS[place["dtype"]])
        .reshape(place["shape"])
        for name, place in places.items()
    }


def _layout(file: BinaryIO) -> dict[str, dict[str, Any]]:
    """The tensors of a safetensors file: ``dtype``, ``shape``, ``start`` and ``end`` of each.

    Source of the layout: the README of the package safetensors.
    """
    length = int.from_bytes(file.read(8), "little")
    told = json.loads(file.read(length))
    told.pop("__metadata__", None)
    begin = 8 + length
    for place in told.values():
        place["start"], place["end"] = (begin + at for at in place.pop("data_offsets"))
    return dict(told)


def _checked(graph: Path) -> bytes:
    """The graph's bytes. Raises ModelError unless they are those that were written."""
    try:
        content = graph.read_bytes()
        told = graph.with_suffix(CHECKSUM).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {graph}: {error}. Install Virgolette again") from error
    if hashlib.sha256(content).hexdigest() != told:
        raise ModelError(f"{graph} does not match its checksum: install Virgolette again")
    return content


def _session(graph: Path, weights: Weights) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    # More would join nodes to ones that take longer: a norm with the addition before it, fourfold.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    content = _checked(graph)
    try:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(one) for one in weights.values()]
        options.add_external_initializers(list(weights), values)
        return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's have no base class of their own
        raise ModelError(f"cannot load {graph}: {error}. Install Virgolette again") from error


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
        from index.models.encoder import unit_vectors

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
    def words(self) -> TensorRows:
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
    def _words(self) -> TensorRows:
        return TensorRows(self._checked / WEIGHTS, WORDS)

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
