"""A packed batch: the rows' tokens one after the other, [1, tokens, width], without padding.

Experimental: attention is TensorRT's own operator, `TRT_Attention`, of which no kernel has run yet.
"""

from dataclasses import dataclass
from typing import Self

from onnx import TensorProto

from inference import tensors
from inference.graph.attention import Heads
from inference.graph.builder import GraphBuilder, Value


@dataclass(frozen=True, slots=True)
class PackedBatch:
    """The batch as it came; each field names a value in the graph.

    `ids` and `positions` are [1, tokens]: to the layers it looks like one long row. The rows begin
    and end at `query_lengths` and `kv_lengths` [rows + 1], which hold the same numbers, 0 first and
    the number of tokens last, but must be two tensors: `TRT_Attention` crashes where it is given
    one twice.
    """

    ids: Value
    positions: Value
    query_lengths: Value
    kv_lengths: Value

    @classmethod
    def declare(cls, graph: GraphBuilder) -> Self:
        """Declare the inputs, and work out each token's place in its own row."""
        ids = graph.input(tensors.INPUT_IDS, TensorProto.INT32, ["tokens"])
        bounds = [
            graph.input(name, TensorProto.INT32, ["rows_and_one"])
            for name in (tensors.QUERY_LENGTHS, tensors.KV_LENGTHS)
        ]
        return cls(
            ids=graph.node("Unsqueeze", ids, graph.integers(0)),
            positions=_positions(graph, ids, bounds[0]),
            query_lengths=bounds[0],
            kv_lengths=bounds[1],
        )

    def attend(
        self,
        graph: GraphBuilder,
        query: Value,
        key: Value,
        value: Value,
        heads: Heads,
        *,
        causal: bool,
    ) -> Value:
        """Let tokens attend to those before them, or to all, of their own row."""
        # `TRT_Attention` does not scale by itself.
        scale = graph.lowered(graph.number(heads.width**-0.5))
        query_shape = graph.integers(-1, heads.query, heads.width)
        key_shape = graph.integers(-1, heads.key, heads.width)
        mask = ""
        attended = graph.node(
            "TRT_Attention",
            graph.node("Reshape", graph.node("Mul", query, scale), query_shape),
            graph.node("Reshape", key, key_shape),
            graph.node("Reshape", value, key_shape),
            mask,
            self.query_lengths,
            self.kv_lengths,
            query_form="packed_nhd",
            kv_form="packed_nhd",
            causal_kind="lower_right" if causal else "none",
        )
        return graph.node("Reshape", attended, graph.integers(1, -1, heads.query * heads.width))

    def last(self, graph: GraphBuilder, x: Value) -> Value:
        """Return each row's last token, [rows, width], in single precision."""
        ends = graph.node("Slice", self.query_lengths, graph.integers(1), graph.integers(2**31 - 1))
        place = graph.node("Sub", graph.node("Cast", ends, to=TensorProto.INT64), graph.integer(1))
        tokens = graph.node("Squeeze", x, graph.integers(0))
        return graph.raised(graph.node("Gather", tokens, place))


def _positions(graph: GraphBuilder, ids: Value, bounds: Value) -> Value:
    """Return each token's number less that of its row's first token, [1, tokens]."""
    bounds = graph.node("Cast", bounds, to=TensorProto.INT64)
    count = graph.node("Squeeze", graph.node("Shape", ids), graph.integers(0))
    tokens = graph.node("Range", graph.integer(0), count, graph.integer(1))
    column = graph.node("Unsqueeze", tokens, graph.integers(1))
    begun = graph.node("LessOrEqual", bounds, column)  # [tokens, rows + 1]
    starts = graph.node("Where", begun, bounds, graph.integer(0))
    first = graph.node("ReduceMax", starts, graph.integers(1), keepdims=0)
    return graph.node("Unsqueeze", graph.node("Sub", tokens, first), graph.integers(0))
