"""The contract of the embedder interface, kept by the fake and by the real Triton alike."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from inference.adapter.channels import open_channels
from inference.adapter.embedder import Batch, Embedder, Vectors
from inference.adapter.triton import TritonEmbedder
from inference.tensors import ROWS_MAX
from tests.inference.adapter.fake_embedder import WIDTH, FakeEmbedder

HELLO, WORLD = [101, 7592, 102], [101, 2088, 2088, 2088, 102]


@pytest.fixture(params=["fake", "triton"])
def address(request: pytest.FixtureRequest) -> str | None:
    """The address of a real Triton, or none for the fake."""
    if request.param == "fake":
        return None
    return str(request.getfixturevalue("triton_address"))


@pytest.fixture
async def embedder(address: str | None) -> AsyncIterator[Embedder]:
    """Each kind of embedder in turn."""
    if address is None:
        yield FakeEmbedder()
        return
    channels = open_channels(address, count=2)
    yield TritonEmbedder(channels, WIDTH, call_timeout_seconds=30)
    for channel in channels:
        await channel.close(grace=None)


async def embed(embedder: Embedder, *sequences: list[int]) -> Vectors:
    """Embed these sequences as one batch."""
    return await embedder.embed(Batch(sequences))


def cosines(left: Vectors, right: Vectors) -> Vectors:
    """The cosine of each row with its counterpart."""
    products: Vectors = (left * right).sum(axis=1)
    return products


async def test_each_sequence_has_one_unit_vector(embedder: Embedder) -> None:
    """The shape, the type and the length of what comes back are as promised."""
    vectors = await embed(embedder, HELLO, WORLD)
    assert vectors.shape == (2, WIDTH)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3)


async def test_rows_come_in_the_order_of_the_sequences(embedder: Embedder) -> None:
    """And a sequence's vector does not depend on its neighbours or their lengths."""
    alone = np.concatenate([await embed(embedder, HELLO), await embed(embedder, WORLD)])
    together = await embed(embedder, HELLO, WORLD)
    assert (cosines(alone, together) >= 0.9999).all()
    assert cosines(alone[:1], alone[1:]) < 0.99


async def test_the_same_sequence_has_the_same_vector(embedder: Embedder) -> None:
    """Twice in a batch, and twice in time."""
    first = await embed(embedder, WORLD, WORLD)
    again = await embed(embedder, WORLD, WORLD)
    assert (cosines(first, again) >= 0.9999).all()
    assert (cosines(first[:1], first[1:]) >= 0.9999).all()


async def test_a_full_batch_of_the_longest_sequences_is_taken(embedder: Embedder) -> None:
    """The largest batch that the adapter ever sends is within every limit on the way."""
    longest = [101, *([7592] * 510), 102]
    vectors = await embed(embedder, *[HELLO] * (ROWS_MAX - 2), longest, longest)
    assert vectors.shape == (ROWS_MAX, WIDTH)


async def test_many_batches_run_at_once(embedder: Embedder) -> None:
    """Callers need not take turns."""
    results = await asyncio.gather(*(embed(embedder, HELLO) for _ in range(64)))
    assert all((cosines(result, results[0]) >= 0.9999).all() for result in results)


async def test_a_cancelled_batch_raises_cancellation_and_others_go_on(embedder: Embedder) -> None:
    """A client that leaves takes nobody with it."""
    abandoned = asyncio.create_task(embed(embedder, HELLO))
    await asyncio.sleep(0)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    assert (await embed(embedder, WORLD)).shape == (1, WIDTH)


async def test_it_is_ready_when_it_embeds(embedder: Embedder) -> None:
    """Readiness is the model's own."""
    assert await embedder.is_ready()
