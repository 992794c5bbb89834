"""Bookkeeping of an ONNX graph under construction: names, constants, references to weights."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from inference.checkpoint.safetensors import Tensor
from inference.variant import Precision

OPSET: Final = 24
"""The first whose `Attention` takes the rows' real lengths instead of a mask."""
IR_VERSION: Final = 11

_STORED: Final = {
    "F32": TensorProto.FLOAT,
    "F16": TensorProto.FLOAT16,
    "BF16": TensorProto.BFLOAT16,
}
_COMPUTED: Final = {
    Precision.FP32: TensorProto.FLOAT,
    Precision.FP16: TensorProto.FLOAT16,
    Precision.BF16: TensorProto.BFLOAT16,
}

Value = str
"""A name of a value in the graph."""


class GraphBuilder:
    """Adds nodes one by one and hands out the names of what they compute.

    Weights are never copied: the graph names their extents in the checkpoint's own files, which
    must lie beside the model. What can be computed from weights alone (a transposition, another
    precision) is written as nodes too, and the engine folds it once when it loads the model.
    """

    def __init__(
        self, tensors: Mapping[str, Tensor], precision: Precision, *, for_tensorrt: bool
    ) -> None:
        if precision not in _COMPUTED:
            raise ValueError(f"no graph is written in {precision}; it is made from one in bf16")
        self.precision = precision
        self.for_tensorrt = for_tensorrt
        self._tensors = tensors
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[Value, TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, dtype: int, shape: list[int | str]) -> Value:
        """Declare an input of the graph; a dimension's name means that its size varies."""
        self._inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, name: str, value: Value, dtype: int, shape: list[int | str]) -> None:
        """Declare `value` an output of the graph."""
        self._nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self._outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def node(self, operator: str, *inputs: Value, **attributes: float | str) -> Value:
        """Add a node with one output; an empty name leaves an optional input out."""
        return self.nodes(operator, *inputs, outputs=1, **attributes)[0]

    def nodes(
        self, operator: str, *inputs: Value, outputs: int, **attributes: float | str
    ) -> list[Value]:
        """Add a node with several outputs."""
        name = f"{operator}_{len(self._nodes)}"
        values = [f"{name}.{index}" for index in range(outputs)]
        node = helper.make_node(operator, inputs, values, name=name)
        node.attribute.extend(helper.make_attribute(*pair) for pair in attributes.items())
        self._nodes.append(node)
        return values

    def integers(self, *numbers: int) -> Value:
        """Return a vector of 64-bit integers."""
        return self._constant(np.array(numbers, dtype=np.int64))

    def integer(self, number: int) -> Value:
        """Return a scalar 64-bit integer."""
        return self._constant(np.array(number, dtype=np.int64))

    def number(self, number: float) -> Value:
        """Return a scalar in single precision."""
        return self._constant(np.array(number, dtype=np.float32))

    def table(self, name: str, array: NDArray[np.float32]) -> Value:
        """Return an array that the graph itself holds, in single precision."""
        self._initializers[name] = numpy_helper.from_array(array, name)
        return name

    def weight(self, name: str) -> Value:
        """Return a tensor of the checkpoint in the precision that the layers compute in."""
        return self._cast(self._refer(name), self._tensors[name].dtype, _COMPUTED[self.precision])

    def transposed(self, name: str) -> Value:
        """Return a matrix of the checkpoint with its axes swapped, in the layers' precision."""
        # Cast last: engines keep what they fold on the way, and the stored numbers are smaller.
        swapped = self.node("Transpose", self._refer(name))
        return self._cast(swapped, self._tensors[name].dtype, _COMPUTED[self.precision])

    def full_weight(self, name: str) -> Value:
        """Return a tensor of the checkpoint in single precision."""
        return self._cast(self._refer(name), self._tensors[name].dtype, TensorProto.FLOAT)

    def rows_of(self, name: str, index: Value) -> Value:
        """Return the rows of a tensor of the checkpoint that `index` names."""
        # Only what was picked is cast: of a whole vocabulary the engine would keep a second copy.
        rows = self.node("Gather", self._refer(name), index)
        return self._cast(rows, self._tensors[name].dtype, _COMPUTED[self.precision])

    def lowered(self, x: Value) -> Value:
        """Turn single precision into that of the layers."""
        return self._cast(x, "F32", _COMPUTED[self.precision])

    def raised(self, x: Value) -> Value:
        """Turn the layers' precision into single precision."""
        if self.precision is Precision.FP32:
            return x
        return self.node("Cast", x, to=TensorProto.FLOAT)

    def model(self, name: str) -> onnx.ModelProto:
        """Return what was built."""
        graph = helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, list(self._initializers.values())
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="tessera"
        )

    def _cast(self, value: Value, stored: str, dtype: int) -> Value:
        return value if _STORED[stored] == dtype else self.node("Cast", value, to=dtype)

    def _constant(self, array: NDArray[np.generic]) -> Value:
        name = f"constant.{array.dtype}.{array.shape}.{array.tolist()}"
        self._initializers[name] = numpy_helper.from_array(array, name)
        return name

    def _refer(self, name: str) -> Value:
        tensor = self._tensors[name]
        proto = TensorProto(
            name=name,
            dims=tensor.shape,
            data_type=_STORED[tensor.dtype],
            data_location=TensorProto.EXTERNAL,
        )
        extent = {
            "location": tensor.file,
            "offset": str(tensor.offset),
            "length": str(tensor.length),
        }
        for key, value in extent.items():
            proto.external_data.add(key=key, value=value)
        self._initializers[name] = proto
        return name
