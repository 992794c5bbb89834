"""Clients that leave before they have their answer."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from contract.tokens import RequestTokenizer
from tests.contract.model_folder import CARD
from tests.inference.adapter.adapter_server import Adapter, serve_triton, settings_with
from tests.inference.adapter.eventually import eventually
from tests.inference.adapter.triton_double import TritonDouble, hang


@pytest.fixture
async def adapter(
    tokenizer: RequestTokenizer, triton_double: TritonDouble
) -> AsyncIterator[Adapter]:
    """An adapter in front of the scripted Triton."""
    settings = settings_with(triton_address=triton_double.address, call_timeout_seconds=5)
    async with serve_triton(tokenizer, settings) as adapter:
        yield adapter


async def test_work_ends_when_the_client_leaves(
    adapter: Adapter, triton_double: TritonDouble
) -> None:
    """The calls to Triton are cancelled, and nothing stays in flight."""
    triton_double.script = hang
    body = json.dumps({"model": CARD.id, "input": [[5]] * 100}).encode()
    head = b"POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    _, writer = await asyncio.open_connection("127.0.0.1", adapter.port)
    writer.write(head + body)
    await eventually(lambda: triton_double.running == 4)
    writer.close()
    await eventually(lambda: triton_double.running == 0)
    assert (len(triton_double.requests), triton_double.cancelled) == (4, 4)
    line = 'adapter_requests_total{route="/v1/embeddings",status="499"}'
    assert await adapter.metric(line) == 1
    assert await adapter.metric("adapter_in_flight_tokens") == 0
    assert await adapter.metric('adapter_queued_tokens{lane="short"}') == 0


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten(
    adapter: Adapter, triton_double: TritonDouble
) -> None:
    """Nothing is run, and nothing is logged as an error of ours."""
    _, writer = await asyncio.open_connection("127.0.0.1", adapter.port)
    writer.write(b'POST /v1/embeddings HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{"model"')
    await writer.drain()
    writer.close()
    line = 'adapter_requests_total{route="/v1/embeddings",status="499"}'

    async def is_counted() -> bool:
        return f"{line} 1.0" in (await adapter.client.get("/metrics")).text

    await eventually(is_counted)
    assert triton_double.requests == []
