"""Pieces that every encoder is made of."""

from inference.graph.builder import GraphBuilder, Value


def linear(graph: GraphBuilder, x: Value, name: str, width_in: int, width_out: int) -> Value:
    """Multiply by a weight kept as [out, in], as PyTorch keeps it, and add its bias."""
    weight = graph.weight(f"{name}.weight", width_out, width_in)
    bias = graph.weight(f"{name}.bias", width_out)
    return project(graph, x, weight, bias)


def joined_linear(
    graph: GraphBuilder, x: Value, names: list[str], width_in: int, width_out: int
) -> list[Value]:
    """Apply several linear layers to one input as a single, better filled, multiplication."""
    weights = [graph.weight(f"{name}.weight", width_out, width_in) for name in names]
    biases = [graph.weight(f"{name}.bias", width_out) for name in names]
    joined = project(
        graph,
        x,
        graph.node("Concat", *weights, axis=0),
        graph.node("Concat", *biases, axis=0),
    )
    return graph.nodes("Split", joined, outputs=len(names), axis=-1, num_outputs=len(names))


def project(graph: GraphBuilder, x: Value, weight: Value, bias: Value) -> Value:
    """Return `x @ weight.T + bias`; `weight` is [out, in]."""
    return graph.node("Add", graph.node("MatMul", x, graph.node("Transpose", weight)), bias)


def layer_norm(graph: GraphBuilder, x: Value, name: str, width: int, epsilon: float) -> Value:
    """Normalise over the last axis to mean 0 and variance 1, then scale and shift."""
    scale = graph.weight(f"{name}.weight", width)
    shift = graph.weight(f"{name}.bias", width)
    return graph.node("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon)


def unit_vectors(graph: GraphBuilder, x: Value) -> Value:
    """Scale each row of `x` to length 1."""
    length = graph.node("ReduceL2", x, graph.integers(-1), keepdims=1)
    return graph.node("Div", x, graph.node("Max", length, graph.number(1e-12)))
