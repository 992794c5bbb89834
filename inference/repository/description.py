"""How Triton serves one model: a typed description, written as the `config.pbtxt` it reads."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import orjson


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor of one row; a dimension of -1 varies.

    With `ragged`, requests whose rows differ in size join one batch all the same.
    """

    name: str
    data_type: Literal["TYPE_INT32", "TYPE_FP32"]
    dims: tuple[int, ...]
    ragged: bool = False


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model on the Python backend; `rows_max` bounds the rows of a batch and of a request."""

    name: str
    rows_max: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    instances: int
    parameters: dict[str, str] = field(default_factory=dict)

    def render(self) -> str:
        """Return the configuration in protobuf's text format."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"name: {_text(self.name)}"
        yield 'backend: "python"'
        yield f"max_batch_size: {self.rows_max}"
        for kind, specs in (("input", self.inputs), ("output", self.outputs)):
            for spec in specs:
                yield f"{kind} {{ {_tensor(spec)} }}"
        yield f"instance_group {{ kind: KIND_CPU count: {self.instances} }}"
        # No delay: while one batch is computed the next one gathers by itself. And no queue policy:
        # with one, and one instance, Triton 24.10 often sleeps 500 ms before it runs a request. The
        # adapter bounds what is queued, and a call that it gives up leaves the queue.
        yield "dynamic_batching {}"
        for key, value in self.parameters.items():
            yield f"parameters {{ key: {_text(key)} value {{ string_value: {_text(value)} }} }}"


def _tensor(spec: TensorSpec) -> str:
    dims = ", ".join(map(str, spec.dims))
    ragged = " allow_ragged_batch: true" if spec.ragged else ""
    return f"name: {_text(spec.name)} data_type: {spec.data_type} dims: [{dims}]{ragged}"


def _text(value: str) -> str:
    """Quote a text; JSON's escapes are a part of protobuf's."""
    return orjson.dumps(value).decode()
