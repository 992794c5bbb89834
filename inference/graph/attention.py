"""Attention over the rows of a batch, with as many heads for keys as the model has."""

from dataclasses import dataclass

from inference.graph.builder import GraphBuilder, Value
from inference.variant import Precision


@dataclass(frozen=True, slots=True)
class Heads:
    """Query heads `query`, of which groups share one of the `key` heads for keys and values."""

    query: int
    key: int
    width: int


def attend_rows(
    graph: GraphBuilder, query: Value, key: Value, value: Value, heads: Heads, lengths: Value | None
) -> Value:
    """Let tokens attend within their own row, [rows, longest, heads * width].

    With `lengths` [rows] each attends to all real ones of its row. Without, each attends to those
    before it and itself: no real token ever meets the padding on its right, so nothing is masked.
    """
    attributes: dict[str, float] = {"q_num_heads": heads.query, "kv_num_heads": heads.key}
    if graph.for_tensorrt and graph.precision is Precision.FP32:
        attributes["TRT_decomposable"] = 1  # there is no fused kernel in single precision
    if lengths is None:
        return graph.node("Attention", query, key, value, is_causal=1, **attributes)
    mask = past_key = past_value = ""
    return graph.node(
        "Attention", query, key, value, mask, past_key, past_value, lengths, **attributes
    )
