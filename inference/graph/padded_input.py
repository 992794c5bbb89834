"""The inputs of a padded batch: rows of token ids, filled up on the right, and their lengths."""

from dataclasses import dataclass
from typing import Self

from onnx import TensorProto

from inference import tensors
from inference.graph.builder import GraphBuilder, Value


@dataclass(frozen=True, slots=True)
class PaddedInput:
    """What came in; each field names a value in the graph.

    `ids` [rows, longest] has the `shape` of this name, `counts` [rows, 1] are the real tokens of
    each row, 1..longest, and `columns` [1, longest] numbers the tokens of a row.
    """

    ids: Value
    shape: Value
    counts: Value
    columns: Value

    @classmethod
    def declare(cls, graph: GraphBuilder) -> Self:
        """Declare the inputs."""
        ids = graph.input(tensors.INPUT_IDS, TensorProto.INT32, ["rows", "longest"])
        lengths = graph.input(tensors.LENGTHS, TensorProto.INT32, ["rows", 1])
        shape = graph.node("Shape", ids)
        longest = graph.node("Gather", shape, graph.integer(1))
        columns = graph.node("Range", graph.integer(0), longest, graph.integer(1))
        return cls(
            ids=ids,
            shape=shape,
            counts=graph.node("Cast", lengths, to=TensorProto.INT64),
            columns=graph.node("Unsqueeze", columns, graph.integers(0)),
        )

    def real(self, graph: GraphBuilder) -> Value:
        """Tell tokens from padding, [rows, longest]."""
        return graph.node("Less", self.columns, self.counts)

    def mean(self, graph: GraphBuilder, x: Value) -> Value:
        """Average [rows, longest, width] over each row's real tokens, [rows, width]."""
        weights = graph.node("Cast", self.real(graph), to=TensorProto.FLOAT)
        sums = graph.node("MatMul", graph.node("Unsqueeze", weights, graph.integers(1)), x)
        counts = graph.node("Cast", self.counts, to=TensorProto.FLOAT)
        return graph.node("Div", graph.node("Squeeze", sums, graph.integers(1)), counts)
