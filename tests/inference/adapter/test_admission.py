"""When a request is refused because too much is waiting."""

import asyncio
from datetime import timedelta

import pytest

from inference.adapter.admission import Backlog, Bounds, Overloaded
from inference.adapter.gate import TokenGate
from inference.adapter.throughput import Throughput

SPEED = 1000.0


def make(gate: TokenGate, jitter: float = 0.0) -> Backlog:
    """A backlog for a model of a thousand tokens a second, at whose gate 100 tokens may wait."""
    throughput = Throughput(SPEED, lambda: 0.0)
    return Backlog(Bounds(100, 5000), gate, throughput, lambda: jitter)


async def fill(gate: TokenGate, *tokens: int) -> list[asyncio.Task[None]]:
    """Send batches to a gate that lets one token in at a time; keep them there."""

    async def stay(tokens: int) -> None:
        async with gate.hold(tokens):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(stay(number)) for number in tokens]
    await asyncio.sleep(0)
    return tasks


async def test_a_request_is_refused_when_the_queue_is_full() -> None:
    """What has got in does not count, what waits does."""
    gate = TokenGate(1)
    backlog = make(gate)
    tasks = await fill(gate, 500, 99)
    assert backlog.refuse(batches=1) is None
    tasks += await fill(gate, 1)
    assert backlog.refuse(batches=1) == Overloaded(timedelta(milliseconds=50))


async def test_a_long_request_is_also_refused_for_all_that_is_accepted() -> None:
    """It would share the model with all of it; a short one passes between the batches."""
    backlog = make(TokenGate(1))
    with backlog.accept(5000):
        assert backlog.refuse(batches=1) is None
        assert backlog.refuse(batches=2) == Overloaded(timedelta(seconds=2.5))


async def test_a_request_is_never_refused_for_its_own_size() -> None:
    """The largest request that is valid is served when nothing is ahead of it."""
    assert make(TokenGate(1)).refuse(batches=10_000) is None


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 2.5), (0.5, 3.75), (0.9, 4.75)])
def test_the_wait_is_for_half_of_what_is_ahead_with_jitter(jitter: float, seconds: float) -> None:
    """Those refused together come back apart, and when there is room."""
    backlog = make(TokenGate(1), jitter)
    with backlog.accept(5000):
        assert backlog.refuse(batches=2) == Overloaded(timedelta(seconds=seconds))


def test_the_wait_is_bounded() -> None:
    """However much is ahead, the SDKs obey the wait."""
    backlog = make(TokenGate(1))
    with backlog.accept(10_000_000):
        assert backlog.refuse(batches=2) == Overloaded(timedelta(seconds=30))


def test_tokens_leave_the_backlog_as_they_are_served() -> None:
    """A request that is half done is half as much ahead of others."""
    backlog = make(TokenGate(1))
    with backlog.accept(100) as serve:
        serve(60)
        assert backlog.tokens == 40
    assert backlog.tokens == 0


def test_a_request_that_ends_early_leaves_nothing_behind() -> None:
    """Failed and abandoned requests are not ahead of anybody."""
    backlog = make(TokenGate(1))

    def fail_halfway() -> None:
        with backlog.accept(100) as serve:
            serve(60)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert backlog.tokens == 0
