"""A batch as Triton's messages: how the served variant takes rows, and gives vectors back.

The raw contents of a tensor are the bytes that we have already, so nothing is converted twice.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc.service_pb2 import InferParameter, ModelInferRequest, ModelInferResponse

from inference.adapter.embedder import Batch, EmbedderError, FailureKind, Vectors
from inference.adapter.scheduler.lane import Lane
from inference.serving import Serving
from inference.tensors import EMBEDDING, INPUT_IDS, LENGTHS, MODEL, PAD_ID
from inference.variant import Engine, Form

_PRIORITIES: Final = {Lane.SHORT: 1, Lane.BULK: 2}
"""Triton runs 1 first."""


@dataclass(frozen=True, slots=True)
class Wire:
    """`lengths` are what rows are padded to, shortest first; without any, to the batch's longest.

    With `joined`, Triton makes the batches anew: each row is a request, with a priority.
    """

    lengths: tuple[int, ...] = ()
    joined: bool = False

    @classmethod
    def plan(cls, serving: Serving | None) -> Self:
        """Settle how a variant takes its batches."""
        if serving is None:
            return cls()
        variant = serving.variant
        joined = variant.engine is Engine.TENSORRT and variant.form is Form.PACKED
        return cls(tuple(bucket.length for bucket in serving.buckets), joined)

    def write(self, batch: Batch) -> list[ModelInferRequest]:
        """Write a batch: its vectors are the answers' rows in this order."""
        if not self.joined:
            return [_write_padded(batch.sequences, self._length(max(map(len, batch.sequences))))]
        return [_write_row(row, _PRIORITIES[batch.lane]) for row in batch.sequences]

    def _length(self, longest: int) -> int:
        """Return what rows are padded to; no bucket holds what is longer than all."""
        index = bisect_left(self.lengths, longest)
        return self.lengths[index] if index < len(self.lengths) else longest


def _write_padded(sequences: Sequence[list[int]], length: int) -> ModelInferRequest:
    rows = len(sequences)
    lengths = np.fromiter(map(len, sequences), dtype="<i4", count=rows)
    if rows == 1 and len(sequences[0]) == length:
        ids = np.array(sequences, dtype="<i4")
    else:
        ids = np.full((rows, length), PAD_ID, dtype="<i4")
        is_real = np.arange(length) < lengths[:, np.newaxis]
        ids[is_real] = np.fromiter(chain.from_iterable(sequences), dtype="<i4")
    return _request({INPUT_IDS: ids, LENGTHS: lengths[:, np.newaxis]})


def _write_row(row: list[int], priority: int) -> ModelInferRequest:
    request = _request({INPUT_IDS: np.array([row], dtype="<i4")})
    request.parameters["priority"].CopyFrom(InferParameter(uint64_param=priority))
    return request


def _request(arrays: dict[str, NDArray[np.int32]]) -> ModelInferRequest:
    tensor = ModelInferRequest.InferInputTensor
    return ModelInferRequest(
        model_name=MODEL,
        inputs=[
            tensor(name=name, datatype="INT32", shape=array.shape) for name, array in arrays.items()
        ],
        raw_input_contents=[array.tobytes() for array in arrays.values()],
    )


def read_vectors(response: ModelInferResponse, rows: int, width: int) -> Vectors:
    """Read the vectors out of Triton's answer.

    Raises:
        EmbedderError: it is not the tensor that was asked for.
    """
    seen = [(tensor.name, tensor.datatype, list(tensor.shape)) for tensor in response.outputs]
    contents = response.raw_output_contents
    if seen != [(EMBEDDING, "FP32", [rows, width])] or [len(raw) for raw in contents] != [
        rows * width * 4
    ]:
        raise EmbedderError(FailureKind.FAULTY, f"expected {rows} x {width} floats, got {seen}")
    return np.frombuffer(contents[0], dtype="<f4").reshape(rows, width)
