"""Write the graphs of the shipped models, for onnxruntime, without their weights.

    python -m training.graphs

Both are BERT encoders (Devlin et al., NAACL 2019) from the embedded tokens of one text to the
vectors of the last layer, shape (tokens, dimensions). ``index.models.encoder`` fills in the
weights, under the names of the packed files: a graph is small, and stays the same when a model
learns. The operators are those of ONNX and of onnxruntime's "com.microsoft".

It needs ``onnx``, one of the development packages.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from onnx import NodeProto, TensorProto, helper

from index.models.encoder import CHECKSUM
from index.models.weights import PACKED

LAYERS, HEADS, HIDDEN, INNER = 12, 12, 384, 1536
EPSILON = 1e-12
BLOCK, RANK = 32, 32
MIN_LARGEST = 1e-9  # of a text's numbers: the scale is not zero
LEVELS = 63  # of a quantized number, on either side of zero
ENCODER = PACKED / "encoder.onnx"
READER = Path(__file__).parents[1] / "retrieval" / "answering" / "model" / "reader.onnx"
EXTENSIONS = "com.microsoft"


class Graph:
    """The nodes of a graph under construction, and the weights that they need."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: dict[str, TensorProto] = {}
        self._outputs: dict[tuple[str, ...], str] = {}

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node, unless the same is there; the name of its output."""
        key = (kind, *inputs, str(attributes))
        if key not in self._outputs:
            output = self._outputs[key] = f"{kind}_{len(self.nodes)}"
            self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return self._outputs[key]

    def weight(self, name: str, *shape: int, kind: int = TensorProto.FLOAT) -> str:
        """A weight that is filled in later."""
        weight = TensorProto(name=name, data_type=kind, dims=shape)
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="weights")
        self.weights[name] = weight
        return name

    def constant(self, name: str, value: float, *shape: int, kind: int = TensorProto.FLOAT) -> str:
        """A number that is part of the graph."""
        self.weights[name] = helper.make_tensor(name, kind, shape, [value])
        return name


# An input, the names of a matrix and of a bias ("" for none), rows and columns.
Linear = Callable[[Graph, str, str, str, int, int], str]


def four_bits(graph: Graph, x: str, name: str, bias: str, rows: int, columns: int) -> str:
    """A matrix in blocks of four bits, and the product of two thin ones that training added.

    Computed in fp32: the vectors' angles do not tolerate rounding to eight bits.
    """
    size, kind = BLOCK // 2, TensorProto.UINT8
    blocks = graph.weight(name, rows, columns // BLOCK, size, kind=kind)
    scales = graph.weight(f"{name}:scale", rows * columns // BLOCK)
    known = {"K": columns, "N": rows, "bits": 4, "block_size": BLOCK}
    y = graph.op("MatMulNBits", x, blocks, scales, domain=EXTENSIONS, **known)
    thin = graph.op("Gemm", x, graph.weight(f"{name}:down", RANK, columns), transB=1)
    y = graph.op("Gemm", thin, graph.weight(f"{name}:up", rows, RANK), y, transB=1)
    return graph.op("Add", y, graph.weight(bias, rows)) if bias else y


def eight_bits(graph: Graph, x: str, name: str, bias: str, rows: int, columns: int) -> str:
    """A matrix in eight bits, with a scale for each row, times a text in twice seven bits.

    The rounding error of the text is quantized and multiplied, too: its numbers lie far apart, and
    one scale serves for all. Seven bits, since CPUs with only AVX2 add two products in sixteen
    bits, where eight times eight do not fit.
    """
    zero = graph.constant("zero", LEVELS + 1, kind=TensorProto.UINT8)
    largest = graph.op("ReduceMax", graph.op("Abs", x), keepdims=0)
    largest = graph.op("Max", largest, graph.constant("least", MIN_LARGEST))
    scale = graph.op("Mul", largest, graph.constant("step", 1 / LEVELS))
    rounded = graph.op("QuantizeLinear", x, scale, zero)
    error = graph.op("Sub", x, graph.op("DequantizeLinear", rounded, scale, zero))
    fine = graph.op("Mul", scale, graph.constant("finer", 0.5 / LEVELS))
    error = graph.op("QuantizeLinear", error, fine, zero)
    # Transposed against the file: rows and columns are those of PyTorch.
    matrix = graph.weight(name, columns, rows, kind=TensorProto.INT8)
    scales = graph.weight(f"{name}:scale", rows)
    added = ("", graph.weight(bias, rows)) if bias else ()  # "": no zero point of the matrix
    products = [
        graph.op("MatMulIntegerToFloat", *inputs, domain=EXTENSIONS)
        for inputs in (
            (rounded, matrix, scale, scales, zero, *added),
            (error, matrix, fine, scales, zero),
        )
    ]
    return graph.op("Add", *products)


def bert(graph: Graph, linear: Linear) -> str:
    """The encoder over "embedded"; the name of the last layer's vectors."""
    norm = "embeddings.LayerNorm"
    x = _normed(graph, "embedded", norm)
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        y = _attention(graph, linear, x, f"{name}.attention.self")
        x = _residual(graph, linear, x, y, f"{name}.attention.output", HIDDEN)
        y = linear(graph, x, f"{name}.intermediate.dense.weight", "", INNER, HIDDEN)
        bias = graph.weight(f"{name}.intermediate.dense.bias", INNER)
        y = graph.op("BiasGelu", y, bias, domain=EXTENSIONS)
        x = _residual(graph, linear, x, y, f"{name}.output", INNER)
    return x


def _attention(graph: Graph, linear: Linear, x: str, name: str) -> str:
    parts = []
    first = graph.constant("first", 0, 1, kind=TensorProto.INT64)
    for part in ("query", "key", "value"):
        y = linear(graph, x, f"{name}.{part}.weight", f"{name}.{part}.bias", HIDDEN, HIDDEN)
        parts.append(graph.op("Unsqueeze", y, first))
    y = graph.op("MultiHeadAttention", *parts, domain=EXTENSIONS, num_heads=HEADS)
    return graph.op("Squeeze", y, first)


def _residual(graph: Graph, linear: Linear, x: str, y: str, name: str, columns: int) -> str:
    """The input of a step and its projected output, added and normalized."""
    y = linear(graph, y, f"{name}.dense.weight", f"{name}.dense.bias", HIDDEN, columns)
    return _normed(graph, graph.op("Add", y, x), f"{name}.LayerNorm")


def _normed(graph: Graph, x: str, name: str) -> str:
    weights = graph.weight(f"{name}.weight", HIDDEN), graph.weight(f"{name}.bias", HIDDEN)
    return graph.op("LayerNormalization", x, *weights, axis=-1, epsilon=EPSILON)


def write(path: Path, linear: Linear) -> None:
    """Write the graph of a model with this kind of matrices, and its checksum beside it."""
    graph = Graph()
    graph.nodes.append(helper.make_node("Identity", [bert(graph, linear)], ["hidden"]))
    texts = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["tokens", HIDDEN])
        for name in ("embedded", "hidden")
    ]
    weights = list(graph.weights.values())
    body = helper.make_graph(graph.nodes, "bert", texts[:1], texts[1:], weights)
    sets = [helper.make_opsetid("", 18), helper.make_opsetid(EXTENSIONS, 1)]
    content = helper.make_model(body, opset_imports=sets, ir_version=9).SerializeToString()
    path.write_bytes(content)
    path.with_suffix(CHECKSUM).write_text(sha256(content).hexdigest() + "\n", encoding="ascii")


if __name__ == "__main__":
    write(ENCODER, four_bits)
    write(READER, eight_bits)
