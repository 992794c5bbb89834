"""A padded batch that stays padded: every layer computes on [rows, longest, width]."""

from dataclasses import dataclass
from typing import Self

from inference.graph.attention import Heads, attend_rows
from inference.graph.builder import GraphBuilder, Value
from inference.graph.padded_input import PaddedInput


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    """The batch as it came; `positions` [rows, longest] are the tokens' places in their rows."""

    given: PaddedInput
    positions: Value

    @classmethod
    def declare(cls, graph: GraphBuilder) -> Self:
        """Declare the inputs, and work out what the layers need of them."""
        given = PaddedInput.declare(graph)
        return cls(given, positions=graph.node("Expand", given.columns, given.shape))

    @property
    def ids(self) -> Value:
        """The tokens' ids, [rows, longest]."""
        return self.given.ids

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
        return attend_rows(graph, query, key, value, heads, counts)

    def mean(self, graph: GraphBuilder, x: Value) -> Value:
        """Average over each row's real tokens, [rows, width], in single precision."""
        return self.given.mean(graph, graph.raised(x))

    def last(self, graph: GraphBuilder, x: Value) -> Value:
        """Return each row's last real token, [rows, width], in single precision."""
        place = graph.node("Sub", self.given.counts, graph.integer(1))
        return graph.raised(graph.node("GatherND", x, place, batch_dims=1))
