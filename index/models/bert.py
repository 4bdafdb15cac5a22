"""A BERT encoder on onnxruntime: the vectors of a text's tokens."""

from __future__ import annotations

import hashlib
import json
import math
import os
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from index.errors import ModelError
from index.models.q4 import dequantize

if TYPE_CHECKING:
    from index.models.vectors import Vectors

KINDS = {"U8": np.uint8, "I8": np.int8, "F16": np.float16, "F32": np.float32}
POSITIONS = "embeddings.position_embeddings.weight"
SEGMENTS = "embeddings.token_type_embeddings.weight"
CHECKSUM = ".sha256"  # of the file beside a graph
ERRORS_ONLY = 3

Weights = Mapping[str, NDArray[Any]]


class Bert:
    """A model that is loaded. It computes with the thread that asks it, and may be asked by many.

    Args:
        graph: the file that ``index.models.graph`` writes.
        weights: by the names that the graph has for them, with the tables of positions and
            segments, shape (number, dimensions).
        words: the vocabulary's vectors, each in blocks of four bits, shape (blocks, bytes).

    Raises:
        ModelError: the graph cannot be read, or does not fit the weights.
    """

    def __init__(self, graph: Path, weights: Weights, words: StoredRows) -> None:
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


class StoredRows:
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
