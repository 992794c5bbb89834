"""The official Python SDK against the adapter and a real Triton."""

from collections.abc import AsyncIterator

import numpy as np
import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError

from contract.tokens import RequestTokenizer
from tests.contract.model_folder import CARD
from tests.inference.adapter.adapter_server import serve_triton, settings_with


@pytest.fixture
async def client(tokenizer: RequestTokenizer, triton_address: str) -> AsyncIterator[AsyncOpenAI]:
    """The SDK, as a customer makes it."""
    settings = settings_with(triton_address=triton_address)
    async with (
        serve_triton(tokenizer, settings) as adapter,
        AsyncOpenAI(base_url=adapter.url, api_key="x", max_retries=0) as client,
    ):
        yield client


def cosine(left: list[float], right: list[float]) -> float:
    """The cosine of two vectors."""
    return float(np.dot(left, right) / np.linalg.norm(left) / np.linalg.norm(right))


async def test_the_default_and_explicit_floats_agree(client: AsyncOpenAI) -> None:
    """The SDK's own default is base64; both give the same numbers."""
    default = await client.embeddings.create(model=CARD.id, input="Hello world")
    floats = await client.embeddings.create(
        model=CARD.id, input="Hello world", encoding_format="float"
    )
    assert len(default.data[0].embedding) == 384
    assert cosine(default.data[0].embedding, floats.data[0].embedding) > 0.9999
    assert np.linalg.norm(default.data[0].embedding) == pytest.approx(1, abs=1e-4)


async def test_base64_that_was_asked_for_is_text(client: AsyncOpenAI) -> None:
    """The SDK leaves it to the caller, who gets little-endian float32."""
    answer = await client.embeddings.create(
        model=CARD.id, input="Hello world", encoding_format="base64"
    )
    text = answer.data[0].embedding
    assert isinstance(text, str)
    assert len(text) == 384 * 4 * 4 / 3


async def test_token_ids_are_the_text_that_they_stand_for(client: AsyncOpenAI) -> None:
    """With the special tokens and without."""
    text = await client.embeddings.create(model=CARD.id, input="Hello world")
    bare = await client.embeddings.create(model=CARD.id, input=[7592, 2088])
    whole = await client.embeddings.create(model=CARD.id, input=[[101, 7592, 2088, 102]])
    for other in (bare, whole):
        assert cosine(text.data[0].embedding, other.data[0].embedding) > 0.9999
        assert other.usage == text.usage


async def test_many_texts_keep_their_order_and_their_meaning(client: AsyncOpenAI) -> None:
    """Each is the vector that it has alone, however it was batched."""
    texts = [f"{'very ' * (number % 7)}short text {number}" for number in range(80)]
    together = await client.embeddings.create(model=CARD.id, input=texts)
    assert [item.index for item in together.data] == list(range(80))
    for number in (0, 41, 79):
        alone = await client.embeddings.create(model=CARD.id, input=texts[number])
        assert cosine(alone.data[0].embedding, together.data[number].embedding) > 0.9999


async def test_dimensions_are_the_head_of_the_full_vector(client: AsyncOpenAI) -> None:
    """Sliced, and made unit length again."""
    full = await client.embeddings.create(model=CARD.id, input="Hello world")
    short = await client.embeddings.create(model=CARD.id, input="Hello world", dimensions=64)
    assert len(short.data[0].embedding) == 64
    assert cosine(short.data[0].embedding, full.data[0].embedding[:64]) > 0.9999
    assert np.linalg.norm(short.data[0].embedding) == pytest.approx(1, abs=1e-4)


async def test_mistakes_are_the_sdks_own_exceptions(client: AsyncOpenAI) -> None:
    """With the code, the parameter and the message where the SDK looks for them."""
    with pytest.raises(BadRequestError) as bad:
        await client.embeddings.create(model=CARD.id, input="a", dimensions=5)
    assert bad.value.param == "dimensions"
    with pytest.raises(NotFoundError) as unknown:
        await client.embeddings.create(model="gpt-4", input="a")
    assert unknown.value.code == "model_not_found"


async def test_models_are_listed_and_retrieved(client: AsyncOpenAI) -> None:
    """The SDK percent-encodes the slash of an id."""
    assert [model.id async for model in client.models.list()] == [CARD.id, *CARD.aliases]
    assert (await client.models.retrieve(CARD.id)).id == CARD.id
