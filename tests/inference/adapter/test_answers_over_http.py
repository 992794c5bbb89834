"""What the API answers over HTTP, in front of a scripted Triton."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from contract.tokens import RequestTokenizer
from tests.contract.model_folder import CARD
from tests.inference.adapter.adapter_server import Adapter, serve_triton, settings_with
from tests.inference.adapter.triton_double import WIDTH, TritonDouble


@pytest.fixture
async def adapter(
    tokenizer: RequestTokenizer, triton_double: TritonDouble
) -> AsyncIterator[Adapter]:
    """An adapter in front of the scripted Triton."""
    settings = settings_with(triton_address=triton_double.address, call_timeout_seconds=5)
    async with serve_triton(tokenizer, settings) as adapter:
        yield adapter


async def test_the_order_of_the_answer_is_that_of_the_input(
    adapter: Adapter, triton_double: TritonDouble
) -> None:
    """Over many batches of different lengths, item by item."""
    items = [[1000 + number] * (1 + number % 9) for number in range(100)]
    answer = (await adapter.embed(input=items, encoding_format="float")).json()
    assert [item["index"] for item in answer["data"]] == list(range(100))
    found = [int(np.argmax(item["embedding"])) for item in answer["data"]]
    assert found == [(1000 + number) % WIDTH for number in range(100)]
    assert len(triton_double.requests) > 1


async def test_2048_items_are_embedded(adapter: Adapter, triton_double: TritonDouble) -> None:
    """The most that one request may hold, with every item's own vector."""
    items = [[1000 + number] for number in range(2048)]
    answer = (await adapter.embed(input=items, encoding_format="float")).json()
    found = [int(np.argmax(item["embedding"])) for item in answer["data"]]
    assert found == [(1000 + number) % WIDTH for number in range(2048)]
    assert triton_double.running_most <= 4


async def test_usage_is_the_sum_of_tokens_special_ones_included(adapter: Adapter) -> None:
    """What the model ran is what is counted."""
    answer = (await adapter.embed(input=["Hello world", "Hello"])).json()
    assert answer["usage"] == {"prompt_tokens": 7, "total_tokens": 7}


async def test_an_alias_is_answered_with_the_models_own_id(adapter: Adapter) -> None:
    """Nobody is led to believe that another model ran."""
    answer = (await adapter.embed(model="Qwen/Qwen3-Embedding-8B")).json()
    assert answer["model"] == CARD.id


async def test_usage_that_differs_from_what_was_charged_is_counted(adapter: Adapter) -> None:
    """The answer still says what was run; the difference is an alarm."""
    for charged in ("3", "4", "x"):
        await adapter.client.post(
            "/v1/embeddings",
            json={"model": CARD.id, "input": "hello"},
            headers={"x-tessera-tokens": charged},
        )
    await adapter.embed()
    assert await adapter.metric("adapter_usage_mismatches_total") == 2


async def test_what_was_served_is_told_to_who_counts(adapter: Adapter) -> None:
    """It is the usage of the answer; without vectors nothing was served."""
    served = await adapter.embed(input=["Hello world", "Hello"])
    usage = served.json()["usage"]["total_tokens"]
    assert served.headers["x-tessera-served-tokens"] == str(usage)
    for answer in (await adapter.embed(input=""), await adapter.client.get("/v1/models")):
        assert "x-tessera-served-tokens" not in answer.headers


async def test_answers_say_how_long_they_took(adapter: Adapter) -> None:
    """In milliseconds, on success and on error, as OpenAI does."""
    for answer in (await adapter.embed(), await adapter.embed(input="")):
        assert int(answer.headers["openai-processing-ms"]) >= 0


async def test_health_is_the_process_and_readiness_is_the_model(
    adapter: Adapter, triton_double: TritonDouble
) -> None:
    """A model that is gone takes the process out of rotation, not down."""
    triton_double.ready = False
    assert (await adapter.client.get("/healthz")).status_code == 200
    assert (await adapter.client.get("/readyz")).status_code == 503
    triton_double.ready = True
    assert (await adapter.client.get("/readyz")).status_code == 200


async def test_requests_and_tokens_are_counted(adapter: Adapter) -> None:
    """By route and status, in names with few values."""
    await adapter.embed(input="Hello world")
    await adapter.embed(input="")
    for path in ("/v1/models/a", "/v1/models/b/c", "/x", "/y"):
        await adapter.client.get(path)
    requests = 'adapter_requests_total{{route="{}",status="{}"}}'
    assert await adapter.metric(requests.format("/v1/embeddings", 200)) == 1
    assert await adapter.metric(requests.format("/v1/embeddings", 400)) == 1
    assert await adapter.metric(requests.format("/v1/models/{id}", 404)) == 2
    assert await adapter.metric(requests.format("other", 404)) == 2
    assert await adapter.metric("adapter_tokens_total") == 4
