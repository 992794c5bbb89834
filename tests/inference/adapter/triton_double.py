"""A Triton whose answers are scripted: the real protocol on a real port, without a model."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import numpy as np
from tritonclient.grpc.service_pb2 import (
    ModelInferRequest,
    ModelInferResponse,
    ModelReadyRequest,
    ModelReadyResponse,
)
from tritonclient.grpc.service_pb2_grpc import (
    GRPCInferenceServiceServicer,
    add_GRPCInferenceServiceServicer_to_server,
)

WIDTH = 384

Context = grpc.aio.ServicerContext[ModelInferRequest, ModelInferResponse]

Script = Callable[[ModelInferRequest, Context], Awaitable[ModelInferResponse]]


def write_vectors(vectors: np.ndarray) -> ModelInferResponse:  # type: ignore[type-arg] # any dtype
    """Answer with these rows, whatever they are."""
    tensor = ModelInferResponse.InferOutputTensor
    return ModelInferResponse(
        model_name="embedder",
        outputs=[tensor(name="embedding", datatype="FP32", shape=list(vectors.shape))],
        raw_output_contents=[vectors.astype("<f4").tobytes()],
    )


async def answer_first_token(request: ModelInferRequest, _: Context) -> ModelInferResponse:
    """Answer each row with the unit vector whose index is its second token modulo the width."""
    rows, longest = request.inputs[0].shape
    ids = np.frombuffer(request.raw_input_contents[0], dtype="<i4").reshape(rows, longest)
    vectors = np.zeros((rows, WIDTH), dtype=np.float32)
    vectors[np.arange(rows), ids[:, min(1, longest - 1)] % WIDTH] = 1
    return write_vectors(vectors)


async def hang(_: ModelInferRequest, __: Context) -> ModelInferResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError


def fail(code: grpc.StatusCode) -> Script:
    """Answer with an error."""

    async def answer(_: ModelInferRequest, context: Context) -> ModelInferResponse:
        await context.abort(code, "scripted")
        raise AssertionError

    return answer


def answer_with(vectors: np.ndarray) -> Script:  # type: ignore[type-arg] # any dtype
    """Answer with these rows to whatever is asked."""

    async def answer(_: ModelInferRequest, __: Context) -> ModelInferResponse:
        return write_vectors(vectors)

    return answer


@dataclass
class TritonDouble(GRPCInferenceServiceServicer):  # type: ignore[misc] # generated code is untyped
    """What it does next, and what it has seen."""

    script: Script = answer_first_token
    ready: bool = True
    requests: list[ModelInferRequest] = field(default_factory=list)
    peers: set[str] = field(default_factory=set)
    running: int = 0
    running_most: int = 0
    cancelled: int = 0
    address: str = ""

    async def ModelInfer(  # noqa: N802 - the protocol's name
        self, request: ModelInferRequest, context: Context
    ) -> ModelInferResponse:
        """Run the script."""
        self.requests.append(request)
        self.peers.add(context.peer())
        self.running += 1
        self.running_most = max(self.running_most, self.running)
        try:
            return await self.script(request, context)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1

    async def ModelReady(  # noqa: N802 - the protocol's name
        self, _: ModelReadyRequest, __: Context
    ) -> ModelReadyResponse:
        """Say whether the model is ready."""
        return ModelReadyResponse(ready=self.ready)


@asynccontextmanager
async def serve_triton_double(double: TritonDouble, port: int = 0) -> AsyncIterator[str]:
    """Serve on a free loopback port, or on the given one; yield the address."""
    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)]
    )
    add_GRPCInferenceServiceServicer_to_server(double, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    double.address = f"127.0.0.1:{bound}"
    try:
        yield double.address
    finally:
        await server.stop(grace=None)
