"""What a build has to know of a graph's file before it hands it to the compiler."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import onnx
from google.protobuf.message import DecodeError

from inference.tensorrt.compiler import CompileError


@dataclass(frozen=True, slots=True)
class GraphFile:
    """A graph on disk.

    `sha256` is the file's, without the weights that it points at, of which there are
    `weight_bytes`. `positions` is the longest row whose rotation it knows, where it rotates: a
    longer one would be turned by whatever lies behind the table.
    """

    path: Path
    sha256: str
    weight_bytes: int
    positions: int | None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read it; weights stay where they are.

        Raises:
            CompileError: it is no graph.
            OSError: it cannot be read.
        """
        content = path.read_bytes()
        try:
            graph = onnx.ModelProto.FromString(content).graph
        except DecodeError as error:
            raise CompileError(f"{path} is no ONNX graph") from error
        outside = {_extent(tensor) for tensor in graph.initializer if tensor.external_data}
        return cls(
            path=path,
            sha256=hashlib.sha256(content).hexdigest(),
            weight_bytes=len(content) + sum(length for _, _, length in outside),
            positions=_find_positions(graph),
        )


def _extent(tensor: onnx.TensorProto) -> tuple[str, str, int]:
    fields = {entry.key: entry.value for entry in tensor.external_data}
    return fields["location"], fields.get("offset", "0"), int(fields.get("length", "0"))


def _find_positions(graph: onnx.GraphProto) -> int | None:
    """Return the rows of the smallest table of angles."""
    tables = {tensor.name: tensor for tensor in graph.initializer}
    made_by = {node.output[0]: node for node in graph.node}
    rotations = [node for node in graph.node if node.op_type == "RotaryEmbedding"]
    rows = [
        tables[name].dims[0]
        for node in rotations
        if (name := _source(node.input[1], made_by)) in tables
    ]
    return min(rows, default=None)


def _source(value: str, made_by: Mapping[str, onnx.NodeProto]) -> str:
    """Return what a value was looked up in or cast from."""
    while value in made_by and made_by[value].op_type in {"Cast", "Gather"}:
        value = made_by[value].input[0]
    return value
