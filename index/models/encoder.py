"""The default embedding model on onnxruntime: no PyTorch, which takes seconds to import."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError
from index.models.weights import (
    ADAPTER,
    DOWN,
    PACKED,
    SCALE,
    SCALE_BYTES,
    TOKENIZER,
    UP,
    WEIGHTS,
    WORDS,
    block_scales,
    checksum,
    dequantize,
    packed_checksum,
)
from index.text.clean import INVISIBLE

if TYPE_CHECKING:
    from tokenizers import Tokenizer

GRAPH = "encoder.onnx"
CHECKSUM = ".sha256"  # suffix of the file beside a graph
POSITIONS = "embeddings.position_embeddings.weight"
SEGMENTS = "embeddings.token_type_embeddings.weight"
DTYPES = {"U8": np.uint8, "I8": np.int8, "F16": np.float16, "F32": np.float32}
ERRORS_ONLY = 3  # a level of onnxruntime's log

Vectors = NDArray[np.float32]
Tensors = Mapping[str, NDArray[Any]]


def unit_vectors(vectors: Any) -> Vectors:
    """The rows at length 1: bf16 leaves them a little off, and other models may not normalize."""
    array = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    return np.asarray(array / np.maximum(lengths, 1e-12), np.float32)


def unreadable(what: object, error: Exception) -> ModelError:
    """The error for a file of a model that cannot be read."""
    return ModelError(f"cannot read {what}: {error}. Install Virgolette again")


class OnnxEncoder:
    """The default model, one text at a time, loaded when first used.

    Its vectors are those of ``Embedder.encode_batches``, but for rounding.
    """

    def __init__(self, packed: Path = PACKED) -> None:
        self.packed = packed
        self._loading = threading.RLock()  # only one thread loads
        self._tokenizing = threading.Lock()  # fast tokenizers must not be used by two threads

    def encode(self, texts: Sequence[str], max_tokens: int) -> Vectors:
        """The unit vectors of the first tokens of each text, shape (texts, dimensions).

        Raises ModelError where the model cannot be loaded.
        """
        bert = self.load()
        with self.tokenizer() as tokenizer:
            tokenizer.enable_truncation(max_tokens)
            encodings = tokenizer.encode_batch(list(texts))
        return unit_vectors(np.stack([bert.vectors(e.ids).mean(axis=0) for e in encodings]))

    def load(self) -> Bert:
        """The loaded model. Raises ModelError where it is damaged."""
        with self._loading:
            return self._bert

    @contextmanager
    def tokenizer(self) -> Iterator[Tokenizer]:
        """The model's tokenizer, for one thread at a time, without truncation and padding.

        There is only one, which takes 50 MB. The caller may enable truncation and padding.
        """
        with self._tokenizing:
            tokenizer = self._tokenizer
            tokenizer.no_truncation()
            tokenizer.no_padding()
            yield tokenizer

    @property
    def weights(self) -> dict[str, NDArray[Any]]:
        """The packed weights by name, memory-mapped. Raises ModelError as ``load`` does.

        ``WORDS`` are the vocabulary's vectors in blocks of four bits: (tokens, blocks, bytes).
        """
        adapter = self._checked / ADAPTER
        return mapped(self.packed / WEIGHTS) | (mapped(adapter) if adapter.exists() else {})

    @property
    def words(self) -> TensorRows:
        """The vocabulary's vectors, read on demand. Raises ModelError as ``load`` does."""
        with self._loading:
            return self._words

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        from tokenizers import Regex, Tokenizer, normalizers

        path = self.packed / TOKENIZER
        try:
            tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
        except Exception as error:  # those of tokenizers have no base class of their own
            raise unreadable(path, error) from error
        # What nobody sees divides no word; offsets still count it.
        invisible = normalizers.Replace(Regex(f"[{INVISIBLE}]"), "")
        tokenizer.normalizer = normalizers.Sequence([invisible, tokenizer.normalizer])
        return tokenizer

    @cached_property
    def _words(self) -> TensorRows:
        return TensorRows(self._checked / WEIGHTS, WORDS)

    @cached_property
    def _checked(self) -> Path:
        """The directory of the packed files, which match their checksum."""
        what = f"the model in {self.packed}"
        try:
            intact = checksum(self.packed) == packed_checksum(self.packed)
        except (OSError, ValueError) as error:
            raise unreadable(what, error) from error
        if not intact:
            raise ModelError(f"{what} does not match its checksum: install again")
        return self.packed

    @cached_property
    def _bert(self) -> Bert:
        weights: dict[str, NDArray[Any]] = {}
        for name, weight in self.weights.items():
            if name.endswith((UP, DOWN)):
                weights[name] = weight.astype(np.float32)
            elif weight.dtype == np.uint8 and name != WORDS:
                weights[name], weights[name + SCALE] = _blocks(weight)
            elif name != WORDS:
                weights[name] = weight
        return Bert(self.packed / GRAPH, weights, self._words)


class Bert:
    """A loaded model. It computes in the calling thread; several threads may share it.

    Args:
        graph: the file that ``training.graphs`` writes.
        weights: by the names that the graph has for them, with the tables of positions and
            segments, shape (number, dimensions).
        words: the vocabulary's vectors, each in blocks of four bits, shape (blocks, bytes).

    Raises:
        ModelError: the graph cannot be read, or does not fit the weights.
    """

    def __init__(self, graph: Path, weights: Tensors, words: TensorRows) -> None:
        initializers = dict(weights)
        positions, segments = initializers.pop(POSITIONS), initializers.pop(SEGMENTS)
        self._positions = np.asarray(positions + segments[0], np.float32)
        self._words = words
        self._session = _session(graph, initializers)

    def vectors(self, tokens: Sequence[int]) -> Vectors:
        """The last layer's vectors of one text, shape (tokens, dimensions)."""
        embedded = dequantize(self._words.read(tokens)) + self._positions[: len(tokens)]
        (hidden,) = self._session.run(None, {"embedded": embedded})
        return np.asarray(hidden, np.float32)


def _session(graph: Path, weights: Tensors) -> Any:
    """An onnxruntime session of the graph. Raises ModelError unless it matches its checksum."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = ERRORS_ONLY
    # More would join nodes to ones that take longer: a norm with the addition before it, fourfold.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    try:
        content = graph.read_bytes()
        recorded = graph.with_suffix(CHECKSUM).read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise unreadable(graph, error) from error
    if hashlib.sha256(content).hexdigest() != recorded:
        raise ModelError(f"{graph} does not match its checksum: install Virgolette again")
    try:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in weights.values()]
        options.add_external_initializers(list(weights), values)
        return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
    except Exception as error:  # those of onnxruntime have no base class of their own
        raise unreadable(graph, error) from error


def _blocks(packed: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Blocks as MatMulNBits has them, two neighbours in a byte, and their scales."""
    nibbles = packed[..., SCALE_BYTES:]
    halves = nibbles & 0x0F, nibbles >> 4  # the weights 0–15 and 16–31
    paired = [half[..., 0::2] | half[..., 1::2] << 4 for half in halves]
    return np.concatenate(paired, axis=-1), block_scales(packed).reshape(-1)


class TensorRows:
    """The rows of one tensor in a safetensors file, read on demand.

    A memory map would load the pages around each row, too. Raises as ``mapped`` does.
    """

    def __init__(self, file: Path, name: str) -> None:
        tensor = _tensors(file)[name]
        rows, *self._shape = tensor.shape
        self._dtype = tensor.dtype
        self._start = tensor.start
        self._row_bytes = (tensor.end - tensor.start) // rows
        self._file = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._file)

    def read(self, rows: Sequence[int]) -> NDArray[Any]:
        """The given rows, shape (rows, …)."""
        starts = (self._start + row * self._row_bytes for row in rows)
        data = b"".join(os.pread(self._file, self._row_bytes, start) for start in starts)
        return np.frombuffer(data, self._dtype).reshape(-1, *self._shape)


def mapped(file: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a safetensors file by name, memory-mapped: only what is used is loaded.

    Raises OSError, ValueError or KeyError where it is no such file.
    """
    data = np.memmap(file, np.uint8, "r")
    return {
        name: data[tensor.start : tensor.end].view(tensor.dtype).reshape(tensor.shape)
        for name, tensor in _tensors(file).items()
    }


@dataclass(frozen=True)
class _Tensor:
    """A tensor of a safetensors file, from byte ``start`` to ``end``."""

    dtype: np.dtype[Any]
    shape: list[int]
    start: int
    end: int


def _tensors(file: Path) -> dict[str, _Tensor]:
    """What the header of a safetensors file says. Source: the README of the package safetensors."""
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        header = json.loads(opened.read(length))
    header.pop("__metadata__", None)
    return {
        name: _Tensor(
            np.dtype(DTYPES[entry["dtype"]]),
            entry["shape"],
            *(8 + length + offset for offset in entry["data_offsets"]),
        )
        for name, entry in header.items()
    }
