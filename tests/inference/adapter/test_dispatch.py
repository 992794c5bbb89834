"""Requests that share batches, and nothing else."""

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from inference.adapter.admission import Admission, Bounds, Overloaded
from inference.adapter.batch_metrics import BatchMetrics
from inference.adapter.dispatch import Dispatcher
from inference.adapter.embedder import EmbedderError, FailureKind, Vectors
from inference.adapter.flights import Flights
from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.scheduler import Scheduler
from inference.adapter.scheduler.shapes import Shapes
from inference.adapter.throughput import Throughput
from inference.serving import Bucket
from tests.inference.adapter.fake_embedder import FakeEmbedder, vector_of

BUCKETS = (Bucket(4, 4), Bucket(8, 2), Bucket(16, 1))


class Parts:
    """A dispatcher with small bounds, and what it is made of."""

    def __init__(
        self, batches_max: int = 1, queue: int = 1000, buckets: tuple[Bucket, ...] = ()
    ) -> None:
        self.embedder = FakeEmbedder()
        self.registry = CollectorRegistry()
        self.now = 0.0
        throughput = Throughput(1000.0, lambda: 0.0)
        metrics = BatchMetrics(self.registry)
        self.scheduler = Scheduler(Shapes.plan(buckets, 8, 10), patience=4)
        self.flights = Flights(self.embedder, throughput, metrics, batches_max)
        bounds = Bounds(queue, 10_000)
        self.dispatcher = Dispatcher(
            self.scheduler,
            self.flights,
            Admission(bounds, self.scheduler, throughput, lambda: 0.0),
            metrics,
            lambda: self.now,
            short_tokens_max=10,
        )

    def send(self, *sequences: list[int], key: str = "") -> asyncio.Task[Vectors | Overloaded]:
        """Begin to embed these sequences."""
        return asyncio.create_task(self.dispatcher.embed(sequences, key))

    async def occupy(self) -> asyncio.Task[Vectors | Overloaded]:
        """Take the only place for a batch, until `open` is set."""
        self.embedder.open.clear()
        request = self.send([1])
        await settle()
        return request

    def is_idle(self) -> bool:
        """Tell whether nothing waits or runs."""
        waiting = sum(self.scheduler.tokens(lane) for lane in Lane)
        return (waiting, self.flights.tokens, self.embedder.running) == (0, 0, 0)

    def metric(self, name: str, **labels: str) -> float | None:
        """Read what is counted."""
        return self.registry.get_sample_value(name, labels)


def sequences(*lengths: int) -> list[list[int]]:
    """Sequences of these lengths, no two alike."""
    return [[100 + place] * length for place, length in enumerate(lengths)]


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def assert_vectors(answer: object, *rows: list[int]) -> None:
    """Fail unless an answer holds the right vector of each row."""
    assert isinstance(answer, np.ndarray), answer
    np.testing.assert_array_equal(answer, np.stack([vector_of(ids) for ids in rows]))


FAULTY = EmbedderError(FailureKind.FAULTY, "scripted")
GONE = EmbedderError(FailureKind.UNAVAILABLE, "scripted")


@given(
    st.lists(st.lists(st.integers(1, 15), min_size=1, max_size=12), min_size=1, max_size=8),
    st.sampled_from([(), BUCKETS]),
)
def test_each_row_is_its_own_sequences_vector(
    requests: list[list[int]], buckets: tuple[Bucket, ...]
) -> None:
    """Whoever shares a batch with whom, each answer is in the order of its request."""

    async def play() -> None:
        parts = Parts(batches_max=2, buckets=buckets)
        rows = [
            [[1000 * number + place] * length for place, length in enumerate(lengths)]
            for number, lengths in enumerate(requests)
        ]
        tasks = [parts.send(*each) for each in rows]
        for each, answer in zip(rows, await asyncio.gather(*tasks), strict=True):
            assert_vectors(answer, *each)
        assert parts.is_idle()

    asyncio.run(play())


async def test_requests_that_wait_share_a_batch() -> None:
    """While one batch is computed, the next gathers."""
    parts = Parts()
    first = await parts.occupy()
    waiting = [parts.send([number, number]) for number in range(2, 7)]
    await settle()
    parts.embedder.open.set()
    await asyncio.gather(first, *waiting)
    assert [len(batch.sequences) for batch in parts.embedder.batches] == [1, 5]


async def test_an_idle_adapter_sends_at_once() -> None:
    """Nobody waits for company."""
    parts = Parts()
    parts.embedder.open.clear()
    request = parts.send([1, 2, 3])
    await asyncio.sleep(0)
    assert parts.embedder.running == 1
    parts.embedder.open.set()
    await request


async def test_so_many_batches_run_at_once_and_no_more() -> None:
    """What runs next is decided as late as can be."""
    parts = Parts(batches_max=3)
    await asyncio.gather(*(parts.send(*sequences(10, 10, 10)) for _ in range(8)))
    assert (len(parts.embedder.batches), parts.embedder.running_most) == (24, 3)


async def test_a_small_request_passes_between_the_batches_of_a_huge_one() -> None:
    """It is in the next batch that is sent."""
    parts = Parts()
    huge = parts.send(*sequences(*[10] * 50))
    await settle()
    before = len(parts.embedder.batches)
    await parts.send([7] * 3)
    assert len(parts.embedder.batches) - before <= 2
    assert not huge.done()
    await huge


async def test_a_failed_batch_ends_its_request_and_cancels_the_rest() -> None:
    """No work goes on for a request that has its answer."""
    parts = Parts(batches_max=3)
    parts.embedder.open.clear()
    request = parts.send(*sequences(*[10] * 12))
    await settle()
    parts.embedder.failure = FAULTY
    parts.embedder.open.set()
    with pytest.raises(EmbedderError):
        await request
    await settle()
    assert (len(parts.embedder.batches), parts.is_idle()) == (3, True)


async def test_an_abandoned_request_leaves_nothing_running_or_waiting() -> None:
    """Cancelling reaches every batch that is its own, and every row that waits, at once."""
    parts = Parts(batches_max=2)
    parts.embedder.open.clear()
    request = parts.send(*sequences(*[10] * 12))
    await settle()
    assert (parts.embedder.running, parts.scheduler.tokens(Lane.BULK)) == (2, 100)
    request.cancel()
    await settle()
    assert (parts.embedder.cancelled, parts.is_idle()) == (2, True)


async def test_a_batch_that_is_cancelled_before_it_begins_frees_its_place() -> None:
    """A task that has not begun runs none of its code."""
    parts = Parts()
    first = await parts.occupy()
    request = parts.send([2] * 2, [3] * 2)
    await settle()
    parts.embedder.open.set()
    while not first.done():  # noqa: ASYNC110 - not a turn of the loop later
        await asyncio.sleep(0)
    request.cancel()
    await settle()
    assert_vectors(await parts.send([4]), [4])
    assert parts.is_idle()


async def test_a_shared_batch_goes_on_without_who_has_left() -> None:
    """It is cancelled when nobody is left."""
    parts = Parts()
    first = await parts.occupy()
    leaving, staying = parts.send([2] * 2), parts.send([3] * 2)
    parts.embedder.open.set()
    await first
    parts.embedder.open.clear()
    await settle()
    leaving.cancel()
    await settle()
    assert (parts.embedder.running, parts.embedder.cancelled) == (1, 0)
    parts.embedder.open.set()
    assert_vectors(await staying, [3] * 2)

    parts.embedder.open.clear()
    first, *both = [parts.send([number]) for number in (4, 5, 6)]
    await settle()
    first.cancel()
    await settle()
    assert len(parts.embedder.batches[-1].sequences) == 2
    for each in both:
        each.cancel()
    await settle()
    assert (parts.embedder.cancelled, parts.is_idle()) == (2, True)


async def test_a_batch_that_fails_with_rows_of_several_requests_fails_only_whose_rows_do() -> None:
    """The others are run once more, by themselves, and never know."""
    parts = Parts()
    first = await parts.occupy()
    parts.embedder.poison = {3}
    tasks = [parts.send([2] * 2), parts.send([3] * 2), parts.send([4], [5])]
    await settle()
    parts.embedder.open.set()
    good, bad, two = await asyncio.gather(*tasks, return_exceptions=True)
    await first
    assert_vectors(good, [2] * 2)
    assert_vectors(two, [4], [5])
    assert isinstance(bad, EmbedderError)
    assert [len(batch.sequences) for batch in parts.embedder.batches] == [1, 4, 1, 1, 2]
    assert parts.metric("adapter_retried_apart_total") == 3
    assert parts.is_idle()


async def test_a_row_that_is_not_finite_fails_its_own_request_alone() -> None:
    """Its neighbours' vectors are good, and used; it is tried once more by itself."""
    parts = Parts()
    first = await parts.occupy()
    parts.embedder.spoilt = {3}
    tasks = [parts.send([2] * 2), parts.send([3] * 2), parts.send([4], [5])]
    await settle()
    parts.embedder.open.set()
    good, bad, two = await asyncio.gather(*tasks, return_exceptions=True)
    await first
    assert_vectors(good, [2] * 2)
    assert_vectors(two, [4], [5])
    assert isinstance(bad, EmbedderError)
    assert bad.kind is FailureKind.FAULTY
    assert [len(batch.sequences) for batch in parts.embedder.batches] == [1, 4, 1]


async def test_a_fault_that_does_not_come_again_fails_nobody() -> None:
    """A request whose row went wrong beside others gets the vector of its second run."""
    parts = Parts()
    first = await parts.occupy()
    parts.embedder.poison = {3}
    tasks = [parts.send([2] * 2), parts.send([3] * 2)]
    await settle()
    parts.embedder.open.set()
    while len(parts.embedder.batches) < 3:  # noqa: ASYNC110 - not a turn of the loop later
        await asyncio.sleep(0)
    parts.embedder.poison = set()
    await first
    assert_vectors(await tasks[1], [3] * 2)
    assert_vectors(await tasks[0], [2] * 2)


async def test_a_model_that_is_away_fails_all_who_asked_at_once() -> None:
    """A second run would only keep them waiting."""
    parts = Parts()
    first = await parts.occupy()
    tasks = [parts.send([2] * 2), parts.send([3] * 2)]
    await settle()
    parts.embedder.failure = GONE
    parts.embedder.open.set()
    outcomes = await asyncio.gather(first, *tasks, return_exceptions=True)
    assert outcomes == [GONE, GONE, GONE]
    assert len(parts.embedder.batches) == 2


async def test_what_is_wrong_with_us_is_told_and_keeps_no_place() -> None:
    """An exception that nobody thought of does not leave requests waiting for ever."""
    parts = Parts()
    parts.embedder.failure = ZeroDivisionError()
    for rows in (sequences(1), sequences(1, 1)):
        with pytest.raises(ZeroDivisionError):
            await parts.send(*rows)
    assert parts.is_idle()


async def test_a_full_queue_refuses_before_any_work() -> None:
    """What cannot be served in time is told so at once."""
    parts = Parts(queue=40)
    first = await parts.occupy()
    accepted = [parts.send([2] * 10) for _ in range(2)]
    await settle()
    assert isinstance(await parts.send([3]), Overloaded)
    other = parts.send([4], key="other")
    await settle()
    assert not other.done()
    parts.embedder.open.set()
    await asyncio.gather(first, *accepted, other)
    assert len(parts.embedder.batches) == 4


async def test_batches_and_the_wait_for_them_are_counted() -> None:
    """Rows, real tokens, what is computed beside those, and how long each request's rows waited."""
    parts = Parts(buckets=BUCKETS)
    first = await parts.occupy()
    waiting = [parts.send([2] * 3), parts.send([3] * 4)]
    await settle()
    parts.now = 5.0
    parts.embedder.open.set()
    await asyncio.gather(first, *waiting)
    assert parts.metric("adapter_batch_rows_sum") == 3
    assert parts.metric("adapter_batch_tokens_sum") == 8
    assert parts.metric("adapter_padding_tokens_total") == 3 + 1
    assert parts.metric("adapter_queue_wait_seconds_sum", lane="short") == 10
    assert parts.metric("adapter_queue_wait_seconds_count", lane="short") == 3
