"""One request's batches, side by side."""

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.adapter.admission import Backlog, Bounds, Overloaded
from inference.adapter.dispatch import Dispatcher
from inference.adapter.embedder import EmbedderError, FailureKind, Vectors
from inference.adapter.gate import TokenGate
from inference.adapter.throughput import Throughput
from tests.inference.adapter.fake_embedder import FakeEmbedder, vector_of


class Parts:
    """A dispatcher with small bounds, and what it is made of."""

    def __init__(self, in_flight: int = 40, queue: int = 1000) -> None:
        self.embedder = FakeEmbedder()
        self.gate = TokenGate(in_flight)
        throughput = Throughput(1000.0, lambda: 0.0)
        self.backlog = Backlog(Bounds(queue, 10_000), self.gate, throughput, lambda: 0.0)
        self.dispatcher = Dispatcher(
            self.embedder,
            self.gate,
            self.backlog,
            throughput,
            batch_tokens_max=10,
            batches_at_once=3,
        )

    async def embed(self, *lengths: int) -> Vectors | Overloaded:
        """Embed sequences of these lengths."""
        return await self.dispatcher.embed(sequences(*lengths))


def sequences(*lengths: int) -> tuple[list[int], ...]:
    """Sequences of these lengths, no two alike."""
    return tuple([100 + place] * length for place, length in enumerate(lengths))


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


@given(st.lists(st.integers(1, 15), min_size=1, max_size=40))
def test_each_row_is_its_own_sequences_vector(lengths: list[int]) -> None:
    """However the sequences were grouped, the order of the answer is that of the request."""
    vectors = asyncio.run(Parts().embed(*lengths))
    expected = np.stack([vector_of(ids) for ids in sequences(*lengths)])
    assert isinstance(vectors, np.ndarray)
    np.testing.assert_array_equal(vectors, expected)


async def test_a_request_runs_only_so_many_batches_at_once() -> None:
    """One request cannot take the model for itself."""
    parts = Parts()
    await parts.embed(*[10] * 12)
    assert (len(parts.embedder.batches), parts.embedder.running_most) == (12, 3)


async def test_all_requests_together_stay_within_the_tokens_in_flight() -> None:
    """The model never holds more than the bound."""
    parts = Parts(in_flight=25)
    await asyncio.gather(*(parts.embed(10, 10, 10) for _ in range(8)))
    assert parts.embedder.tokens_running_most == 20


async def test_a_small_request_passes_between_the_batches_of_a_huge_one() -> None:
    """A huge request is taken apart, and does not hold up others until its end."""
    parts = Parts(in_flight=10)
    huge = asyncio.create_task(parts.embed(*[10] * 50))
    await settle()
    before = len(parts.embedder.batches)
    await parts.embed(10)
    assert len(parts.embedder.batches) - before <= 5
    assert not huge.done()
    await huge


async def test_the_first_failure_ends_the_request_and_cancels_the_rest() -> None:
    """No work goes on for a request that has its answer."""
    parts = Parts()
    parts.embedder.open.clear()
    request = asyncio.create_task(parts.embed(*[10] * 12))
    await settle()
    parts.embedder.failure = EmbedderError(FailureKind.UNAVAILABLE, "scripted")
    parts.embedder.open.set()
    with pytest.raises(EmbedderError):
        await request
    assert (len(parts.embedder.batches), parts.embedder.running) == (3, 0)
    assert (parts.gate.tokens_inside, parts.gate.tokens_waiting, parts.backlog.tokens) == (0, 0, 0)


async def test_an_abandoned_request_leaves_nothing_running_or_waiting() -> None:
    """Cancelling reaches every batch, in flight and queued."""
    parts = Parts(in_flight=20)
    parts.embedder.open.clear()
    request = asyncio.create_task(parts.embed(*[10] * 12))
    await settle()
    assert (parts.embedder.running, parts.gate.tokens_waiting) == (2, 10)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert (parts.embedder.running, parts.embedder.cancelled) == (0, 2)
    assert (parts.gate.tokens_inside, parts.gate.tokens_waiting, parts.backlog.tokens) == (0, 0, 0)


async def test_a_full_queue_refuses_before_any_work() -> None:
    """What cannot be served in time is told so at once."""
    parts = Parts(in_flight=10, queue=20)
    parts.embedder.open.clear()
    accepted = [asyncio.create_task(parts.embed(10)) for _ in range(3)]
    await settle()
    assert isinstance(await parts.embed(1), Overloaded)
    parts.embedder.open.set()
    await asyncio.gather(*accepted)
    assert len(parts.embedder.batches) == 3
