"""The embedder that runs on Triton, over gRPC.

Wire messages are used directly: the raw contents of a tensor are the bytes that we have already.
"""

import asyncio
from collections.abc import Sequence
from itertools import chain, cycle
from typing import Final

import grpc
import numpy as np
from grpc import StatusCode
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse, ModelReadyRequest
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from inference.adapter.embedder import Batch, EmbedderError, FailureKind, Vectors
from inference.tensors import EMBEDDING, INPUT_IDS, LENGTHS, MODEL, PAD_ID

_READY_TIMEOUT_SECONDS: Final = 1.0

_KINDS: Final = {
    StatusCode.UNAVAILABLE: FailureKind.UNAVAILABLE,  # also a full queue, or a model not loaded
    StatusCode.NOT_FOUND: FailureKind.UNAVAILABLE,
    StatusCode.RESOURCE_EXHAUSTED: FailureKind.UNAVAILABLE,
    StatusCode.CANCELLED: FailureKind.UNAVAILABLE,  # by Triton, as it stops: not by us
    StatusCode.DEADLINE_EXCEEDED: FailureKind.TIMED_OUT,
}


class TritonEmbedder:
    """Sends each batch as one request, over the channels in turn."""

    def __init__(
        self, channels: Sequence[grpc.aio.Channel], width: int, call_timeout_seconds: float
    ) -> None:
        """`width` is the number of components that the model's vectors have."""
        self._stubs = [GRPCInferenceServiceStub(channel) for channel in channels]
        self._turns = cycle(self._stubs)
        self._width = width
        self._call_timeout_seconds = call_timeout_seconds

    async def embed(self, batch: Batch) -> Vectors:
        """Return one unit vector a sequence; cancelling cancels the call."""
        request = to_request(batch)
        try:
            response = await next(self._turns).ModelInfer(
                request, timeout=self._call_timeout_seconds
            )
        except grpc.aio.AioRpcError as error:
            kind = _KINDS.get(error.code(), FailureKind.FAULTY)
            raise EmbedderError(kind, f"{error.code().name}: {error.details()}") from None
        return to_vectors(response, rows=len(batch.sequences), width=self._width)

    async def is_ready(self) -> bool:
        """Tell whether Triton says, over each of the channels, that the model is ready."""
        return all(await asyncio.gather(*map(_says_ready, self._stubs)))


async def _says_ready(stub: GRPCInferenceServiceStub) -> bool:
    try:
        answer = await stub.ModelReady(
            ModelReadyRequest(name=MODEL), timeout=_READY_TIMEOUT_SECONDS
        )
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.ready)


def to_request(batch: Batch) -> ModelInferRequest:
    """Write a batch as Triton takes it, padded on the right to its longest sequence."""
    rows = len(batch.sequences)
    lengths = np.fromiter(map(len, batch.sequences), dtype="<i4", count=rows)
    longest = int(lengths.max())
    if rows == 1:
        ids = np.array(batch.sequences[0], dtype="<i4")
    else:
        ids = np.full((rows, longest), PAD_ID, dtype="<i4")
        is_real = np.arange(longest) < lengths[:, np.newaxis]
        ids[is_real] = np.fromiter(chain.from_iterable(batch.sequences), dtype="<i4")
    tensor = ModelInferRequest.InferInputTensor
    return ModelInferRequest(
        model_name=MODEL,
        inputs=[
            tensor(name=INPUT_IDS, datatype="INT32", shape=[rows, longest]),
            tensor(name=LENGTHS, datatype="INT32", shape=[rows, 1]),
        ],
        raw_input_contents=[ids.tobytes(), lengths.tobytes()],
    )


def to_vectors(response: ModelInferResponse, rows: int, width: int) -> Vectors:
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
