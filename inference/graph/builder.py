"""Bookkeeping of an ONNX graph under construction: names, constants, references to weights."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from inference.checkpoint.safetensors import CheckpointError, Tensor

OPSET: Final = 24
"""The first whose `Attention` takes the rows' real lengths instead of a mask."""
IR_VERSION: Final = 11

_ONNX_DTYPES: Final = {"F32": TensorProto.FLOAT, "F16": TensorProto.FLOAT16}

Value = str
"""A name of a value in the graph."""


class GraphBuilder:
    """Adds nodes one by one and hands out the names of what they compute.

    Weights are never copied: the graph names their extents in the checkpoint's own file, which
    must lie beside the model under the name `weights_file`. What can be computed from weights
    alone (a transposition, a concatenation) is written as nodes too, and the runtime folds it once
    when it loads the model.
    """

    def __init__(self, tensors: Mapping[str, Tensor], weights_file: str) -> None:
        self._tensors = tensors
        self._weights_file = weights_file
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

    def node(self, operator: str, *inputs: Value, **attributes: float) -> Value:
        """Add a node with one output; an empty name leaves an optional input out."""
        return self.nodes(operator, *inputs, outputs=1, **attributes)[0]

    def nodes(
        self, operator: str, *inputs: Value, outputs: int, **attributes: float
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

    def weight(self, name: str, *shape: int) -> Value:
        """Refer to a tensor of the checkpoint, which must have this shape.

        Raises:
            CheckpointError: there is none, or it is another.
        """
        tensor = self._tensors.get(name)
        if tensor is None:
            raise CheckpointError(f"the checkpoint holds no tensor {name!r}")
        if tensor.shape != shape:
            raise CheckpointError(f"tensor {name!r} has shape {tensor.shape}, not {shape}")
        if tensor.dtype not in _ONNX_DTYPES:
            raise CheckpointError(f"tensor {name!r} is {tensor.dtype}, which the graph cannot use")
        self._initializers[name] = self._refer(tensor)
        return name

    def model(self, name: str) -> onnx.ModelProto:
        """Return what was built."""
        graph = helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, list(self._initializers.values())
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="tessera"
        )

    def _constant(self, array: NDArray[np.generic]) -> Value:
        name = f"constant.{array.dtype}.{array.shape}.{array.tolist()}"
        self._initializers[name] = numpy_helper.from_array(array, name)
        return name

    def _refer(self, tensor: Tensor) -> TensorProto:
        proto = TensorProto(
            name=tensor.name,
            dims=tensor.shape,
            data_type=_ONNX_DTYPES[tensor.dtype],
            data_location=TensorProto.EXTERNAL,
        )
        extent = {
            "location": self._weights_file,
            "offset": str(tensor.offset),
            "length": str(tensor.length),
        }
        for key, value in extent.items():
            proto.external_data.add(key=key, value=value)
        return proto
