"""Turns a graph's multiplications by weights into ones of 8-bit floating point numbers.

Both sides of such a `MatMul` are divided by a scale, rounded to E4M3 and multiplied back. TensorRT
takes the pair of nodes for what it means and multiplies in FP8; ONNX Runtime computes as written,
so that what the rounding does to vectors can be seen on a CPU. Weights stay where they are and
what they are: the engine rounds them when it is built.
"""

from typing import Final

import onnx
from onnx import TensorProto, helper

from inference.graph.linears import Linear, find_linears
from inference.graph.scales import Reach, Scales, ScalesError

_LARGEST: Final = 448.0
"""E4M3's; what is beyond, of inputs that calibration has not seen, becomes this."""
_SCALE_LEAST: Final = 2.0**-100
"""Of weights or inputs that are all 0: a scale divides."""
_ZERO: Final = "fp8.zero"


def quantize(model: onnx.ModelProto, scales: Scales) -> onnx.ModelProto:
    """Return the graph with every multiplication by weights in FP8.

    Raises:
        ScalesError: one of them has no scale.
    """
    quantized = onnx.ModelProto()
    quantized.CopyFrom(model)
    writer = _Writer(quantized.graph, scales)
    writer.write()
    return quantized


class _Writer:
    """Writes the nodes of a graph anew, with those for rounding before each that needs them."""

    def __init__(self, graph: onnx.GraphProto, scales: Scales) -> None:
        self._graph = graph
        self._scales = scales
        self._linears = {linear.node.output[0]: linear for linear in find_linears(graph)}
        self._nodes: list[onnx.NodeProto] = []
        self._rounded: dict[tuple[str, float], str] = {}

    def write(self) -> None:
        zero = helper.make_tensor(_ZERO, TensorProto.FLOAT8E4M3FN, [], [0.0])
        self._graph.initializer.append(zero)
        for node in list(self._graph.node):
            if (linear := self._linears.get(node.output[0])) is not None:
                reach = self._reach(linear)
                rounded = [
                    self._round(node.input[0], reach.input, linear.dtype),
                    self._round(node.input[1], reach.weight, linear.dtype),
                ]
                node.input[:] = rounded
            self._nodes.append(node)
        del self._graph.node[:]
        self._graph.node.extend(self._nodes)

    def _reach(self, linear: Linear) -> Reach:
        """Return how far a layer reaches; weights that lie side by side share one scale."""
        missing = [name for name in linear.weights if name not in self._scales.reaches]
        if missing:
            raise ScalesError(f"there is no FP8 scale of {', '.join(missing)}")
        reaches = [self._scales.reaches[name] for name in linear.weights]
        return Reach(max(each.input for each in reaches), max(each.weight for each in reaches))

    def _round(self, value: str, reach: float, dtype: int) -> str:
        """Round a value; layers that read the same input read the same rounded one."""
        known = self._rounded.get((value, reach))
        if known is not None:
            return known
        name = f"fp8.{len(self._rounded)}"
        scale, small, rounded = f"{name}.scale", f"{name}.small", f"{name}.rounded"
        size = max(reach / _LARGEST, _SCALE_LEAST)
        self._graph.initializer.append(helper.make_tensor(scale, dtype, [], [size]))
        self._nodes += [
            helper.make_node("QuantizeLinear", [value, scale, _ZERO], [small], name=small),
            helper.make_node("DequantizeLinear", [small, scale], [rounded], name=rounded),
        ]
        self._rounded[value, reach] = rounded
        return rounded
