"""The measured speed of the model."""

import pytest

from inference.adapter.throughput import Throughput


class Clock:
    """A clock that stands until it is told."""

    now = 100.0

    def __call__(self) -> float:
        """Return the present time."""
        return self.now


def test_the_speed_follows_what_is_served() -> None:
    """Whatever was assumed at first, the estimate becomes the model's real speed."""
    clock = Clock()
    throughput = Throughput(5.0, clock)
    for _ in range(100):
        with throughput.measure(1000):
            clock.now += 1
    assert throughput.tokens_per_second == pytest.approx(1000, rel=0.01)


def test_batches_side_by_side_share_their_time() -> None:
    """Two batches of a thousand tokens in one second are two thousand a second."""
    clock = Clock()
    throughput = Throughput(5.0, clock)
    for _ in range(100):
        with throughput.measure(1000), throughput.measure(1000):
            clock.now += 1
    assert throughput.tokens_per_second == pytest.approx(2000, rel=0.01)


def test_idle_time_does_not_count() -> None:
    """A quiet hour does not make the model look slow."""
    clock = Clock()
    throughput = Throughput(1000.0, clock)
    for _ in range(100):
        clock.now += 3600
        with throughput.measure(1000):
            clock.now += 1
    assert throughput.tokens_per_second == pytest.approx(1000, rel=0.01)


def test_failed_work_takes_time_and_serves_nothing() -> None:
    """A model that fails slowly is slow."""
    clock = Clock()
    throughput = Throughput(1000.0, clock)

    def fail_slowly() -> None:
        with throughput.measure(1000):
            clock.now += 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_slowly()
    assert throughput.tokens_per_second < 600
