"""How long requests take beside others, in simulated time on a simulated GPU."""

import random
from itertools import count

import pytest

from inference.adapter.scheduler.lane import Lane
from tests.inference.adapter.scheduler.simulation import BATCH_SECONDS, Arrival, Gpu

SHORTEST = 0.004
"""A batch of one query."""


def queries(key: str, rate: float, seconds: float, seed: int = 1) -> list[Arrival]:
    """Short queries of a key, so many a second, at random."""
    chance, at, arrivals = random.Random(seed), 0.0, []  # noqa: S311 - no secret
    while (at := at + chance.expovariate(rate)) < seconds:
        arrivals.append(Arrival(at, key, (chance.randint(4, 60),)))
    return arrivals


def documents(key: str, at: float, count: int, tokens: int = 400) -> Arrival:
    """A request of many documents."""
    return Arrival(at, key, (tokens,) * count)


def test_a_query_under_bulk_load_waits_for_what_is_with_the_gpu_alone() -> None:
    """Two full batches, then its own, in which all queries are that came meanwhile."""
    gpu = Gpu()
    asked = queries("user", rate=50, seconds=20)
    gpu.serve([*asked, *(documents("bulk", at, 500) for at in range(5))])
    assert gpu.slowest("user") <= 2 * BATCH_SECONDS + 3 * SHORTEST
    assert gpu.now > 20  # the GPU was never short of bulk meanwhile


def test_bulk_gets_what_queries_leave() -> None:
    """Under light queries, nearly all of the GPU."""
    gpu = Gpu()
    gpu.serve([*queries("user", rate=50, seconds=20), documents("bulk", 0, 2000)])
    alone = Gpu()
    alone.serve([documents("bulk", 0, 2000)])
    assert gpu.slowest("bulk") <= 1.15 * alone.slowest("bulk")


def test_bulk_is_served_under_a_flood_of_queries() -> None:
    """More than the GPU can do in short requests alone: bulk still has a batch in five."""
    gpu = Gpu()
    flood = [Arrival(number / 200, f"user {number % 7}", (100,) * 5) for number in range(4000)]
    gpu.serve([*flood, documents("bulk", 1.0, 50)])
    assert gpu.busy > 20  # twice as long as it took to arrive
    first = gpu.lanes.index(Lane.BULK)
    last = len(gpu.lanes) - gpu.lanes[::-1].index(Lane.BULK)
    assert gpu.lanes[first:last].count(Lane.BULK) == -(-(last - first) // 5)


@pytest.mark.parametrize(
    ("lengths", "rows"), [((30,), 16), ((400, 400), 200)], ids=["short", "bulk"]
)
def test_one_keys_backlog_delays_another_key_by_a_batch_or_two(
    lengths: tuple[int, ...], rows: int
) -> None:
    """Behind thousands of rows of the same lane, as if there were a handful."""
    gpu = Gpu()
    backlog = [Arrival(0, "greedy", lengths[:1] * rows) for _ in range(6400 // rows)]
    others = [Arrival(0.3 + number / 3, "modest", lengths) for number in range(8)]
    gpu.serve([*backlog, *others])
    assert gpu.slowest("greedy") > 3
    assert gpu.slowest("modest") <= 4 * BATCH_SECONDS


def test_a_row_of_a_rare_length_is_not_passed_over() -> None:
    """A key whose other rows fill batches of their own gets its long one in its turn."""
    gpu = Gpu()
    rare = Arrival(0.01, "a", (2000,))
    gpu.serve([*(documents("a", number / 30, 5) for number in range(300)), rare])
    assert gpu.seconds[rare] <= 6 * BATCH_SECONDS


def test_a_hundred_keys_of_one_query_each_share_batches() -> None:
    """They need not take turns."""
    gpu = Gpu()
    gpu.serve(Arrival(0, f"key {number}", (30,)) for number in range(100))
    assert gpu.now <= 4 * BATCH_SECONDS
    assert len(gpu.lanes) <= 5


def test_the_gpu_is_never_idle_beside_work() -> None:
    """All of a busy time is batches, end to end."""
    gpu = Gpu()
    at = count()
    gpu.serve(
        Arrival(next(at) / 1000, f"{number % 9}", (number % 500 + 1,)) for number in range(3000)
    )
    assert gpu.now == pytest.approx(gpu.busy, rel=0.001)
