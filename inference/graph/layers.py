"""Pieces that every encoder is made of."""

from typing import Final

from inference.graph.builder import GraphBuilder, Value

_LENGTH_MIN: Final = 1e-12
_LENGTH_MAX: Final = 3e38
"""Just below the largest number; an infinity is above it."""


def linear(graph: GraphBuilder, x: Value, name: str) -> Value:
    """Multiply by a weight kept as [out, in], as PyTorch keeps it."""
    return graph.node("MatMul", x, graph.transposed(f"{name}.weight"))


def biased_linear(graph: GraphBuilder, x: Value, name: str) -> Value:
    """Multiply by a weight kept as [out, in], and add its bias."""
    return graph.node("Add", linear(graph, x, name), graph.weight(f"{name}.bias"))


def joined_linear(graph: GraphBuilder, x: Value, names: list[str]) -> list[Value]:
    """Apply several linear layers to one input as a single, better filled, multiplication."""
    weights = [graph.transposed(f"{name}.weight") for name in names]
    biases = [graph.weight(f"{name}.bias") for name in names]
    joined = graph.node(
        "Add",
        graph.node("MatMul", x, graph.node("Concat", *weights, axis=1)),
        graph.node("Concat", *biases, axis=0),
    )
    return graph.nodes("Split", joined, outputs=len(names), axis=-1, num_outputs=len(names))


def layer_norm(graph: GraphBuilder, x: Value, name: str, epsilon: float) -> Value:
    """Normalise over the last axis to mean 0 and variance 1, then scale and shift."""
    scale, shift = graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias")
    return graph.node("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon)


def rms_norm(graph: GraphBuilder, x: Value, scale: Value, epsilon: float) -> Value:
    """Scale the last axis to a mean square of 1, then by `scale`."""
    return graph.node("RMSNormalization", x, scale, axis=-1, epsilon=epsilon)


def unit_vectors(graph: GraphBuilder, x: Value) -> Value:
    """Scale each row of `x`, in single precision, to length 1.

    A row that has no direction, because of a NaN, an overflow or zeros alone, becomes NaN as a
    whole: no part of it can be taken for a vector. It is decided by comparing, which no engine
    answers with yes for a NaN; `Max` and `Min` drop a NaN on GPUs.
    """
    length = graph.node("ReduceL2", x, graph.integers(-1), keepdims=1)
    has_direction = graph.node(
        "And",
        graph.node("Greater", length, graph.number(_LENGTH_MIN)),
        graph.node("Less", length, graph.number(_LENGTH_MAX)),
    )
    return graph.node(
        "Where", has_direction, graph.node("Div", x, length), graph.number(float("nan"))
    )
