"""What the API answers when the model fails, is slow, or has too much to do."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import numpy as np
import pytest
from tritonclient.grpc.service_pb2 import ModelInferRequest, ModelInferResponse

from contract import errors
from contract.tokens import RequestTokenizer
from inference.adapter.embedder import FailureKind
from tests.contract.model_folder import CARD
from tests.inference.adapter.adapter_server import Adapter, serve_triton, settings_with
from tests.inference.adapter.eventually import eventually
from tests.inference.adapter.triton_double import (
    WIDTH,
    Context,
    Script,
    TritonDouble,
    answer_first_token,
    answer_with,
    fail,
    hang,
)


@pytest.fixture
async def adapter(
    tokenizer: RequestTokenizer, triton_double: TritonDouble
) -> AsyncIterator[Adapter]:
    """An adapter in front of the scripted Triton."""
    settings = settings_with(triton_address=triton_double.address, call_timeout_seconds=5)
    async with serve_triton(tokenizer, settings) as adapter:
        yield adapter


def bad_rows(value: float) -> np.ndarray:  # type: ignore[type-arg] # any dtype
    """One row with one bad component."""
    rows = np.zeros((1, WIDTH))
    rows[0, :2] = (1, value)
    return rows


FAULTS = [
    (fail(grpc.StatusCode.UNAVAILABLE), 503, "unavailable", FailureKind.UNAVAILABLE),
    (fail(grpc.StatusCode.INTERNAL), 500, "internal_error", FailureKind.FAULTY),
    (fail(grpc.StatusCode.DEADLINE_EXCEEDED), 504, "timeout", FailureKind.TIMED_OUT),
    (answer_with(np.ones((1, 5))), 500, "internal_error", FailureKind.FAULTY),
    (answer_with(bad_rows(np.nan)), 500, "internal_error", FailureKind.FAULTY),
    (answer_with(bad_rows(np.inf)), 500, "internal_error", FailureKind.FAULTY),
    (answer_with(np.zeros((1, WIDTH))), 500, "internal_error", FailureKind.FAULTY),
]


@pytest.mark.parametrize(("script", "status", "code", "kind"), FAULTS)
async def test_each_fault_of_triton_has_its_answer_and_is_counted(
    adapter: Adapter,
    triton_double: TritonDouble,
    script: Script,
    status: int,
    code: str,
    kind: FailureKind,
) -> None:
    """The client learns whether a retry helps, never what broke; the next request is served."""
    triton_double.script = script
    answer = await adapter.embed()
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["error"]["type"] == "server_error"
    assert "scripted" not in answer.text
    assert await adapter.metric(f'adapter_triton_failures_total{{kind="{kind}"}}') == 1
    triton_double.script = answer_first_token
    assert (await adapter.embed()).status_code == 200


async def test_an_unavailable_model_asks_for_a_short_wait(
    adapter: Adapter, triton_double: TritonDouble
) -> None:
    """Both SDKs read it, obey it, and come back spread out."""
    triton_double.script = fail(grpc.StatusCode.UNAVAILABLE)
    waits = [int((await adapter.embed()).headers["retry-after-ms"]) for _ in range(5)]
    assert all(500 <= wait <= 1000 for wait in waits)
    assert len(set(waits)) > 1


async def test_a_slow_triton_is_a_504_at_the_deadline(
    tokenizer: RequestTokenizer, triton_double: TritonDouble
) -> None:
    """Of the call to Triton, or of the whole request, whichever comes first."""
    triton_double.script = hang
    for deadline in ("call_timeout_seconds", "request_timeout_seconds"):
        settings = settings_with(triton_address=triton_double.address, **{deadline: 0.1})
        async with serve_triton(tokenizer, settings) as adapter:
            answer = await adapter.embed()
            assert answer.status_code == 504
            assert answer.content == errors.upstream_timeout().body()
    await eventually(lambda: triton_double.running == 0)


async def test_one_failed_batch_fails_its_request_and_cancels_its_siblings(
    adapter: Adapter, triton_double: TritonDouble
) -> None:
    """There is no partial answer, and no work for one that cannot be completed."""

    async def fail_last(request: ModelInferRequest, context: Context) -> ModelInferResponse:
        is_last = len(triton_double.requests) == 4
        return await (fail(grpc.StatusCode.INTERNAL) if is_last else hang)(request, context)

    triton_double.script = fail_last
    answer = await adapter.embed(input=[[5]] * 2048)
    assert answer.status_code == 500
    await eventually(lambda: triton_double.running == 0)
    assert (len(triton_double.requests), triton_double.cancelled) == (4, 3)


async def test_an_overload_is_a_503_that_says_when_to_come_back(
    tokenizer: RequestTokenizer, triton_double: TritonDouble
) -> None:
    """Beyond what is in flight and what may wait of one key, a request is refused at once."""
    triton_double.script = hang
    bounds = {"batches_in_flight": 1, "queue_tokens_max": 12}
    settings = settings_with(triton_address=triton_double.address, **bounds)
    async with serve_triton(tokenizer, settings) as adapter:
        waiting = [asyncio.create_task(adapter.embed()) for _ in range(3)]
        await eventually(lambda: _queued(adapter, 6))
        answer = await adapter.embed()
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
        assert int(answer.headers["retry-after-ms"]) >= 50
        triton_double.script = answer_first_token
        for task in waiting:
            task.cancel()
        await eventually(lambda: _queued(adapter, 0))
        assert (await adapter.embed()).status_code == 200


async def test_what_one_key_has_waiting_does_not_refuse_another(
    tokenizer: RequestTokenizer, triton_double: TritonDouble
) -> None:
    """The key is who authz says; whoever has filled its part of the queue is refused alone."""
    triton_double.script = hang
    bounds = {"batches_in_flight": 1, "queue_tokens_max": 12}
    settings = settings_with(triton_address=triton_double.address, **bounds)

    async def embed(adapter: Adapter, key: str) -> int:
        body = {"model": CARD.id, "input": "hello"}
        headers = {"x-tessera-key": key}
        return (await adapter.client.post("/v1/embeddings", json=body, headers=headers)).status_code

    async with serve_triton(tokenizer, settings) as adapter:
        waiting = [asyncio.create_task(embed(adapter, "a")) for _ in range(3)]
        await eventually(lambda: _queued(adapter, 6))
        waiting.append(asyncio.create_task(embed(adapter, "b")))
        await eventually(lambda: _queued(adapter, 9))
        assert await embed(adapter, "a") == 503
        for task in waiting:
            task.cancel()
        await eventually(lambda: _queued(adapter, 0))


async def _queued(adapter: Adapter, tokens: int) -> bool:
    return await adapter.metric('adapter_queued_tokens{lane="short"}') == tokens
