"""Takes padding out of a batch and puts it back, so that the costly layers never see it.

A batch arrives as `rows` sequences padded to `longest`. Everything but attention works on single
tokens, so it runs on the real ones alone, packed into [tokens, width]; attention needs rows again.
"""

from dataclasses import dataclass
from typing import Self

from onnx import TensorProto

from inference.graph.builder import GraphBuilder, Value


@dataclass(frozen=True, slots=True)
class Packing:
    """How one batch is packed; each field names a value in the graph.

    `real` [rows, longest] tells tokens from padding, `lengths` [rows] counts them, `longest` is
    a scalar, `place` [tokens] is where each token stands in the flattened batch, `source`
    [rows, longest] which token stands at each place. Padding repeats the last token of its own
    sequence: whoever reads rows masks it out, and a NaN, which no mask stops, stays in its row.
    """

    lengths: Value
    longest: Value
    real: Value
    place: Value
    source: Value

    @classmethod
    def of(cls, graph: GraphBuilder, input_ids: Value, lengths: Value) -> Self:
        """Work out the packing of `input_ids` [rows, longest] with real `lengths` [rows]."""
        shape = graph.node("Shape", input_ids)
        longest = graph.node("Gather", shape, graph.integer(1))
        lengths = graph.node("Cast", lengths, to=TensorProto.INT64)
        columns = graph.node("Range", graph.integer(0), longest, graph.integer(1))
        column = graph.node("Unsqueeze", columns, graph.integers(0))
        real = graph.node("Less", column, graph.node("Unsqueeze", lengths, graph.integers(1)))
        flat = graph.node("Reshape", real, graph.integers(-1))
        place = graph.node("Reshape", graph.node("NonZero", flat), graph.integers(-1))
        ones = graph.node("Cast", flat, to=TensorProto.INT64)
        seen = graph.node("CumSum", ones, graph.integer(0))
        token = graph.node("Sub", seen, graph.integer(1))
        return cls(
            lengths=lengths,
            longest=longest,
            real=real,
            place=place,
            source=graph.node("Reshape", token, shape),
        )

    def positions(self, graph: GraphBuilder) -> Value:
        """Return each token's position in its own sequence, [tokens]."""
        return graph.node("Mod", self.place, self.longest)

    def pack_ids(self, graph: GraphBuilder, ids: Value) -> Value:
        """Turn [rows, longest] into [tokens]."""
        return graph.node("Gather", graph.node("Reshape", ids, graph.integers(-1)), self.place)

    def pack(self, graph: GraphBuilder, x: Value, width: int) -> Value:
        """Turn [rows, longest, width] into [tokens, width]."""
        flat = graph.node("Reshape", x, graph.integers(-1, width))
        return graph.node("Gather", flat, self.place)

    def unpack(self, graph: GraphBuilder, x: Value) -> Value:
        """Turn [tokens, width] into [rows, longest, width]; each padded by its last token."""
        return graph.node("Gather", x, self.source)

    def mean(self, graph: GraphBuilder, x: Value) -> Value:
        """Average [tokens, width] over each sequence's real tokens, [rows, width]."""
        weights = graph.node("Cast", self.real, to=TensorProto.FLOAT)
        sums = graph.node(
            "MatMul", graph.node("Unsqueeze", weights, graph.integers(1)), self.unpack(graph, x)
        )
        counts = graph.node("Cast", self.lengths, to=TensorProto.FLOAT)
        return graph.node(
            "Div",
            graph.node("Squeeze", sums, graph.integers(1)),
            graph.node("Unsqueeze", counts, graph.integers(1)),
        )
