"""The embedder that runs on Triton, over gRPC."""

import asyncio
from collections.abc import Sequence
from itertools import cycle
from typing import Final

import grpc
import numpy as np
from grpc import StatusCode
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelReadyRequest
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from inference.adapter.embedder import Batch, EmbedderError, FailureKind, Vectors
from inference.adapter.wire import Wire, read_vectors
from inference.tensors import MODEL

_READY_TIMEOUT_SECONDS: Final = 1.0

_PLAIN: Final = Wire()

_KINDS: Final = {
    StatusCode.UNAVAILABLE: FailureKind.UNAVAILABLE,  # also a full queue, or a model not loaded
    StatusCode.NOT_FOUND: FailureKind.UNAVAILABLE,
    StatusCode.RESOURCE_EXHAUSTED: FailureKind.UNAVAILABLE,
    StatusCode.CANCELLED: FailureKind.UNAVAILABLE,  # by Triton, as it stops: not by us
    StatusCode.DEADLINE_EXCEEDED: FailureKind.TIMED_OUT,
}


class TritonEmbedder:
    """Sends batches over the channels in turn."""

    def __init__(
        self,
        channels: Sequence[grpc.aio.Channel],
        width: int,
        call_timeout_seconds: float,
        wire: Wire = _PLAIN,
    ) -> None:
        """`width` is the number of components that the model's vectors have."""
        self._stubs = [GRPCInferenceServiceStub(channel) for channel in channels]
        self._turns = cycle(self._stubs)
        self._width = width
        self._call_timeout_seconds = call_timeout_seconds
        self._wire = wire

    async def embed(self, batch: Batch) -> Vectors:
        """Return one unit vector a sequence; cancelling cancels the calls."""
        requests = self._wire.write(batch)
        if len(requests) == 1:
            return await self._infer(requests[0], rows=len(batch.sequences))
        try:
            async with asyncio.TaskGroup() as group:
                calls = [group.create_task(self._infer(each, rows=1)) for each in requests]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return np.concatenate([call.result() for call in calls])

    async def is_ready(self) -> bool:
        """Tell whether Triton says, over each of the channels, that the model is ready."""
        return all(await asyncio.gather(*map(_says_ready, self._stubs)))

    async def _infer(self, request: ModelInferRequest, rows: int) -> Vectors:
        try:
            response = await next(self._turns).ModelInfer(
                request, timeout=self._call_timeout_seconds
            )
        except grpc.aio.AioRpcError as error:
            kind = _KINDS.get(error.code(), FailureKind.FAULTY)
            raise EmbedderError(kind, f"{error.code().name}: {error.details()}") from None
        return read_vectors(response, rows, self._width)


async def _says_ready(stub: GRPCInferenceServiceStub) -> bool:
    try:
        answer = await stub.ModelReady(
            ModelReadyRequest(name=MODEL), timeout=_READY_TIMEOUT_SECONDS
        )
    except grpc.aio.AioRpcError:
        return False
    return bool(answer.ready)
