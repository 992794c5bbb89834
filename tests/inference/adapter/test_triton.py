"""The client of Triton against every way in which a Triton can fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import numpy as np
import pytest
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse

from inference.adapter.channels import open_channels, until_lost
from inference.adapter.embedder import Batch, EmbedderError, FailureKind
from inference.adapter.triton import TritonEmbedder
from inference.adapter.wire import Wire
from tests.inference.adapter.eventually import eventually
from tests.inference.adapter.triton_double import (
    WIDTH,
    Context,
    Script,
    TritonDouble,
    answer_with,
    fail,
    hang,
    serve_triton_double,
)

BATCH = Batch(([101, 5, 102], [101, 102]))


@asynccontextmanager
async def connect(
    address: str, channels: int = 2, timeout_seconds: float = 10, *, joined: bool = False
) -> AsyncIterator[TritonEmbedder]:
    """A client of the Triton at this address, which may make the batches itself."""
    opened = open_channels(address, channels)
    yield TritonEmbedder(opened, WIDTH, timeout_seconds, Wire(joined=joined))
    for channel in opened:
        await channel.close(grace=None)


async def failure_of(embedder: TritonEmbedder) -> FailureKind:
    """How embedding fails."""
    with pytest.raises(EmbedderError) as caught:
        await embedder.embed(BATCH)
    return caught.value.kind


async def test_rows_are_read_in_order(triton_double: TritonDouble) -> None:
    """The first row answers the first sequence."""
    async with connect(triton_double.address) as embedder:
        vectors = await embedder.embed(BATCH)
    assert vectors.argmax(axis=1).tolist() == [5, 102]


async def test_rows_that_triton_joins_are_read_in_order(triton_double: TritonDouble) -> None:
    """Each is a call of its own, and they are under way together."""
    rows = tuple([101, number, 102] for number in range(20))
    async with connect(triton_double.address, joined=True) as embedder:
        vectors = await embedder.embed(Batch(rows))
    assert vectors.argmax(axis=1).tolist() == list(range(20))
    assert len(triton_double.requests) == 20


async def test_of_rows_that_triton_joins_one_failure_is_the_batchs(
    triton_double: TritonDouble,
) -> None:
    """The calls for the others are cancelled."""

    async def fail_last(request: ModelInferRequest, context: Context) -> ModelInferResponse:
        is_last = len(triton_double.requests) == len(BATCH.sequences)
        return await (fail(grpc.StatusCode.UNAVAILABLE) if is_last else hang)(request, context)

    triton_double.script = fail_last
    async with connect(triton_double.address, joined=True) as embedder:
        assert await failure_of(embedder) is FailureKind.UNAVAILABLE
        await eventually(lambda: triton_double.running == 0)
    assert triton_double.cancelled == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAVAILABLE, FailureKind.UNAVAILABLE),
        (grpc.StatusCode.NOT_FOUND, FailureKind.UNAVAILABLE),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, FailureKind.UNAVAILABLE),
        (grpc.StatusCode.CANCELLED, FailureKind.UNAVAILABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, FailureKind.TIMED_OUT),
        (grpc.StatusCode.INTERNAL, FailureKind.FAULTY),
        (grpc.StatusCode.INVALID_ARGUMENT, FailureKind.FAULTY),
        (grpc.StatusCode.UNKNOWN, FailureKind.FAULTY),
    ],
)
async def test_each_status_is_a_kind_of_failure(
    triton_double: TritonDouble, code: grpc.StatusCode, kind: FailureKind
) -> None:
    """What a retry may mend is told apart from what it will not."""
    triton_double.script = fail(code)
    async with connect(triton_double.address) as embedder:
        assert await failure_of(embedder) is kind


async def _answer_nothing(_: object, __: Context) -> ModelInferResponse:
    return ModelInferResponse(model_name="embedder")


async def _answer_short(_: object, __: Context) -> ModelInferResponse:
    tensor = ModelInferResponse.InferOutputTensor
    return ModelInferResponse(
        outputs=[tensor(name="embedding", datatype="FP32", shape=[2, WIDTH])],
        raw_output_contents=[b"\0" * 100],
    )


@pytest.mark.parametrize(
    "script",
    [
        answer_with(np.ones((1, WIDTH))),
        answer_with(np.ones((3, WIDTH))),
        answer_with(np.ones((2, 5))),
        answer_with(np.ones((2, WIDTH, 1))),
        _answer_nothing,
        _answer_short,
    ],
)
async def test_an_answer_of_another_shape_is_faulty(
    triton_double: TritonDouble, script: Script
) -> None:
    """A vector is never given to a sequence that it may not belong to."""
    triton_double.script = script
    async with connect(triton_double.address) as embedder:
        assert await failure_of(embedder) is FailureKind.FAULTY


async def test_a_slow_triton_fails_at_the_deadline(triton_double: TritonDouble) -> None:
    """And the call is cancelled there too."""
    triton_double.script = hang
    async with connect(triton_double.address, timeout_seconds=0.2) as embedder:
        assert await failure_of(embedder) is FailureKind.TIMED_OUT
        await eventually(lambda: triton_double.running == 0)
    assert triton_double.cancelled == 1


async def test_cancelling_cancels_the_call(triton_double: TritonDouble) -> None:
    """Triton drops what nobody waits for, where it has not begun."""
    triton_double.script = hang
    async with connect(triton_double.address) as embedder:
        task = asyncio.create_task(embedder.embed(BATCH))
        await eventually(lambda: triton_double.running == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await eventually(lambda: triton_double.running == 0)
    assert triton_double.cancelled == 1


async def test_each_channel_has_a_connection_of_its_own(triton_double: TritonDouble) -> None:
    """Calls go over the channels in turn, because one connection is a bottleneck."""
    async with connect(triton_double.address, channels=3) as embedder:
        for _ in range(6):
            await embedder.embed(BATCH)
    assert len(triton_double.peers) == 3


async def test_a_triton_that_is_down_fails_at_once_and_is_found_when_it_is_back() -> None:
    """Nobody waits for what is not there, and nothing has to be restarted."""
    double = TritonDouble()
    async with serve_triton_double(double) as address:
        pass
    async with connect(address) as embedder:
        assert await failure_of(embedder) is FailureKind.UNAVAILABLE
        assert not await embedder.is_ready()
        async with serve_triton_double(double, port=int(address.rpartition(":")[2])):
            await eventually(embedder.is_ready)
            await embedder.embed(BATCH)


async def test_a_lost_connection_is_noticed_and_one_that_is_not_there_yet_is_not_lost() -> None:
    """Whoever waits for it learns at once that another Triton may come."""
    double = TritonDouble()
    async with serve_triton_double(double) as address:
        pass
    (channel,) = open_channels(address, 1)
    losing = asyncio.create_task(until_lost(channel))
    async with serve_triton_double(double, port=int(address.rpartition(":")[2])):
        await asyncio.wait_for(channel.channel_ready(), 30)
        await asyncio.sleep(0.1)
        assert not losing.done()
    await asyncio.wait_for(losing, 30)
    await channel.close(grace=None)


async def test_a_model_that_is_not_loaded_is_not_ready(triton_double: TritonDouble) -> None:
    """A Triton that runs is not enough."""
    triton_double.ready = False
    async with connect(triton_double.address) as embedder:
        assert not await embedder.is_ready()


async def test_messages_above_four_mebibytes_pass(triton_double: TritonDouble) -> None:
    """GRPC's default limit is lifted on our side of the connection."""
    huge = Batch(tuple([101, 7] * 20_000 for _ in range(32)))
    async with connect(triton_double.address) as embedder:
        assert (await embedder.embed(huge)).shape == (32, WIDTH)
