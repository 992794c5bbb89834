"""Finds the multiplications by weights in a finished graph."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import onnx

_FOLDED = frozenset({"Cast", "Concat", "Transpose"})
"""What a weight may pass through: an engine computes it once, when it loads the model."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A `MatMul` whose second input is made of weights alone; several lie side by side in one.

    `dtype` is the type that it multiplies in.
    """

    node: onnx.NodeProto
    weights: tuple[str, ...]
    dtype: int

    @property
    def input(self) -> str:
        """The value that the weights are multiplied with."""
        return str(self.node.input[0])


def find_linears(graph: onnx.GraphProto) -> Iterator[Linear]:
    """Yield them in the graph's order."""
    stored = {tensor.name: tensor.data_type for tensor in graph.initializer}
    made_by = {value: node for node in graph.node for value in node.output}
    for node in graph.node:
        if node.op_type == "MatMul":
            weights = tuple(_weights(node.input[1], made_by))
            if weights and all(name in stored for name in weights):
                yield Linear(node, weights, _dtype(node.input[1], made_by, stored))


def _weights(value: str, made_by: Mapping[str, onnx.NodeProto]) -> Iterator[str]:
    """Yield the values that a value is made of, by operators that are folded."""
    node = made_by.get(value)
    if node is None:
        yield value
    elif node.op_type in _FOLDED:
        for source in node.input:
            yield from _weights(source, made_by)
    else:
        yield ""  # computed from what comes in


def _dtype(value: str, made_by: Mapping[str, onnx.NodeProto], stored: Mapping[str, int]) -> int:
    while (node := made_by.get(value)) is not None:
        if node.op_type == "Cast":
            return next(int(each.i) for each in node.attribute if each.name == "to")
        value = node.input[0]
    return stored[value]
