"""Counting without a model, and inputs that are cut, over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

import pytest

from contract.tokens import RequestTokenizer
from inference.adapter.settings import AdapterSettings
from tests.contract.model_folder import CARD
from tests.contract.qwen_like import CARD as QWEN
from tests.contract.qwen_like import TASK, train_like_qwen
from tests.contract.test_embeddings import MISTAKES
from tests.inference.adapter.adapter_server import Adapter, in_process, settings_with
from tests.inference.adapter.fake_embedder import FakeEmbedder

_LONG: Final = "a " * 598
_TOLD: Final = {
    "x-tessera-remaining-requests": "59",
    "x-tessera-remaining-tokens": "0",
    "x-tessera-remaining-month": "1000000000",
}


@pytest.fixture(params=[0, 10_000_000], ids=["in a thread", "at once"])
def settings(request: pytest.FixtureRequest) -> AdapterSettings:
    """Wherever bodies are read."""
    return settings_with(inline_bytes_max=request.param or 1)


@pytest.fixture
def embedder() -> FakeEmbedder:
    """Remembers what it was asked."""
    return FakeEmbedder()


@pytest.fixture
async def adapter(
    tokenizer: RequestTokenizer, settings: AdapterSettings, embedder: FakeEmbedder
) -> AsyncIterator[Adapter]:
    """An adapter for the local model."""
    async with in_process(tokenizer, embedder, settings) as adapter:
        yield adapter


async def test_inputs_are_counted_without_the_model(
    adapter: Adapter, embedder: FakeEmbedder
) -> None:
    """Those that are too long for it included; and no tokens of it are served."""
    body = {"model": CARD.id, "input": ["hello world", _LONG]}
    answer = await adapter.client.post("/v1/embeddings/count", json=body, headers=_TOLD)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "x-tessera-served-tokens" not in answer.headers
    counted = answer.json()
    assert [(item["tokens"], item["truncated_tokens"]) for item in counted["data"]] == [
        (4, 0),
        (600, 88),
    ]
    assert counted["total_tokens"] == 516
    assert counted["remaining"] == {"requests": 59, "tokens": 0, "month_tokens": 1_000_000_000}
    assert embedder.batches == []
    assert await adapter.metric("adapter_tokens_total") == 0
    route = 'adapter_requests_total{route="/v1/embeddings/count",status="200"}'
    assert await adapter.metric(route) == 1


async def test_what_nobody_says_is_left_is_unknown(adapter: Adapter) -> None:
    """Without authz in front there are no limits to tell of."""
    body = {"model": CARD.id, "input": "hello"}
    counted = (await adapter.client.post("/v1/embeddings/count", json=body)).json()
    assert counted["remaining"] == {"requests": None, "tokens": None, "month_tokens": None}


@pytest.mark.parametrize(("fields", "param", "message"), MISTAKES, ids=lambda each: str(each)[:40])
async def test_a_wrong_field_is_answered_as_embeddings_answer_it(
    tokenizer: RequestTokenizer, fields: dict[str, object], param: str, message: str
) -> None:
    """Whoever counts first finds the same mistakes."""
    async with in_process(tokenizer, FakeEmbedder(), settings_with()) as adapter:
        body = {"model": CARD.id, "input": "hello"} | fields
        counted = await adapter.client.post("/v1/embeddings/count", json=body)
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    assert (counted.status_code, counted.json()) == (400, {"error": error})


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_a_cut_input_says_how_much_was_cut(
    adapter: Adapter, embedder: FakeEmbedder, encoding: str
) -> None:
    """Beside its vector, which is that of what was left; usage is of what was run."""
    fields = {"input": ["hello", _LONG], "truncate": "tail", "encoding_format": encoding}
    answer = (await adapter.embed(**fields)).json()
    assert [item.get("truncated_tokens") for item in answer["data"]] == [None, 88]
    assert answer["usage"] == {"prompt_tokens": 515, "total_tokens": 515}
    assert sum(batch.tokens for batch in embedder.batches) == 515


async def test_nothing_is_cut_unasked(adapter: Adapter) -> None:
    """What is too long is refused."""
    answer = await adapter.embed(input=["hello", _LONG])
    assert answer.status_code == 400
    assert "600 tokens in input 1" in answer.json()["error"]["message"]


async def test_a_query_is_embedded_in_its_prompt(embedder: FakeEmbedder) -> None:
    """On a model that has one: the ids that reach it are the prompt's and the query's, counted."""
    card = replace(QWEN, context_tokens=512)
    plain = train_like_qwen()
    async with in_process(
        RequestTokenizer(card, train_like_qwen()), embedder, settings_with()
    ) as adapter:
        for fields, text in (
            ({"input_type": "query"}, f"Instruct: {TASK}\nQuery:the fox"),
            ({"instruction": "Find"}, "Instruct: Find\nQuery:the fox"),
            ({"input_type": "document"}, "the fox"),
        ):
            body = {"model": card.id, "input": "the fox"} | fields
            ids = plain.encode(text).ids
            answer = (await adapter.client.post("/v1/embeddings", json=body)).json()
            assert answer["usage"]["total_tokens"] == len(ids)
            assert embedder.batches[-1].sequences == (ids,)
            counted = (await adapter.client.post("/v1/embeddings/count", json=body)).json()
            assert counted["total_tokens"] == len(ids)
