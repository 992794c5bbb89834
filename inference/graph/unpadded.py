"""A padded batch whose padding is taken out, so that the costly layers never see it.

Everything but attention works on single tokens, so it runs on the real ones alone, [tokens, width];
attention needs rows again. For engines that take tensors of sizes that depend on the data.
"""

from dataclasses import dataclass
from typing import Self

from onnx import TensorProto

from inference.graph.attention import Heads, attend_rows
from inference.graph.builder import GraphBuilder, Value
from inference.graph.padded_input import PaddedInput


@dataclass(frozen=True, slots=True)
class UnpaddedBatch:
    """The batch without padding; each field names a value in the graph.

    `ids` and `positions` [tokens] are those of the real tokens, `place` [tokens] is where each
    stands in the flattened batch, `source` [rows, longest] which token stands at each place.
    Padding repeats the last token of its own row: whoever reads rows masks it out, and a NaN,
    which no mask stops, stays in its row.
    """

    given: PaddedInput
    ids: Value
    positions: Value
    place: Value
    source: Value

    @classmethod
    def declare(cls, graph: GraphBuilder) -> Self:
        """Declare the inputs, and work out which of the batch's places hold tokens."""
        given = PaddedInput.declare(graph)
        flat = graph.node("Reshape", given.real(graph), graph.integers(-1))
        place = graph.node("Reshape", graph.node("NonZero", flat), graph.integers(-1))
        seen = graph.node(
            "CumSum", graph.node("Cast", flat, to=TensorProto.INT64), graph.integer(0)
        )
        token = graph.node("Sub", seen, graph.integer(1))
        longest = graph.node("Gather", given.shape, graph.integer(1))
        every_id = graph.node("Reshape", given.ids, graph.integers(-1))
        return cls(
            given=given,
            ids=graph.node("Gather", every_id, place),
            positions=graph.node("Mod", place, longest),
            place=place,
            source=graph.node("Reshape", token, given.shape),
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
        """Let tokens attend within their own row; see `attend_rows`."""
        counts = None if causal else graph.node("Reshape", self.given.counts, graph.integers(-1))
        query, key, value = (self._rows(graph, x) for x in (query, key, value))
        attended = attend_rows(graph, query, key, value, heads, counts)
        flat = graph.node("Reshape", attended, graph.integers(-1, heads.query * heads.width))
        return graph.node("Gather", flat, self.place)

    def mean(self, graph: GraphBuilder, x: Value) -> Value:
        """Average over each row's real tokens, [rows, width], in single precision."""
        return self.given.mean(graph, self._rows(graph, graph.raised(x)))

    def _rows(self, graph: GraphBuilder, x: Value) -> Value:
        """Turn [tokens, width] into [rows, longest, width]; each padded by its last token."""
        return graph.node("Gather", x, self.source)
