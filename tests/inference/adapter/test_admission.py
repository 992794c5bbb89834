"""When a request is refused because too much is waiting."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.adapter.admission import Admission, Bounds, Overloaded
from inference.adapter.scheduler.job import Job
from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.scheduler import Scheduler
from inference.adapter.scheduler.shapes import Shapes
from inference.adapter.throughput import Throughput

SPEED = 1000.0
SHORT, BULK = Lane.SHORT, Lane.BULK


class Door:
    """A model of a thousand tokens a second, for which 100 short tokens and 5000 in all wait."""

    def __init__(self, jitter: float = 0.0) -> None:
        self.scheduler = Scheduler(Shapes.plan((), 32, 100), patience=4)
        throughput = Throughput(SPEED, lambda: 0.0)
        self.admission = Admission(Bounds(100, 5000), self.scheduler, throughput, lambda: jitter)
        self._jobs = 0

    def wait(self, key: str, lane: Lane, tokens: int) -> None:
        """Let a row of a key wait."""
        self._jobs += 1
        self.scheduler.add(Job(key, lane, ([7] * tokens,), self._jobs))

    def is_open(self, key: str, lane: Lane) -> bool:
        """Tell whether a request of a key would be accepted."""
        return self.admission.refuse(lane, key) is None


def test_a_request_is_refused_when_its_lane_is_full() -> None:
    """What waits is counted, whosever it is."""
    door = Door()
    door.wait("a", SHORT, 50)
    door.wait("b", SHORT, 49)
    assert door.is_open("c", SHORT)
    door.wait("d", SHORT, 1)
    assert door.admission.refuse(SHORT, "c") == Overloaded(timedelta(milliseconds=50))


def test_a_short_request_is_not_refused_for_bulk_that_waits() -> None:
    """It does not wait for that."""
    door = Door()
    door.wait("a", BULK, 5000)
    assert door.is_open("b", SHORT)


def test_a_bulk_request_is_refused_for_all_that_waits() -> None:
    """It waits for the short ones too."""
    door = Door()
    door.wait("a", BULK, 2500)
    door.wait("b", BULK, 2400)
    assert door.is_open("c", BULK)
    door.wait("a", SHORT, 100)
    assert not door.is_open("c", BULK)


def test_a_key_is_refused_when_it_has_more_waiting_than_there_is_room_left() -> None:
    """It cannot fill the queue against others."""
    door = Door()
    door.wait("a", SHORT, 50)
    assert not door.is_open("a", SHORT)
    assert door.is_open("b", SHORT)


@pytest.mark.parametrize(("lane", "bound"), [(SHORT, 100), (BULK, 5000)])
def test_what_a_keys_last_request_is_too_large_by_refuses_that_key_alone(
    lane: Lane, bound: int
) -> None:
    """It was let in whatever its size; nobody else is refused for that, until all is taken."""
    door = Door()
    door.wait("a", lane, 10 * bound)
    assert not door.is_open("a", lane)
    assert door.is_open("b", lane)
    door.wait("b", lane, bound // 2)
    assert not door.is_open("b", lane)
    assert not door.is_open("c", lane)


@given(st.lists(st.sampled_from("abc"), min_size=150, max_size=250))
def test_keys_that_send_all_they_can_leave_room_for_another(keys: list[str]) -> None:
    """Even when they came one after the other: a half, a quarter and an eighth."""
    door = Door()
    for key in keys:
        if door.is_open(key, SHORT):
            door.wait(key, SHORT, 1)
    assert door.scheduler.tokens(SHORT) <= 50 + 25 + 13
    assert door.is_open("d", SHORT)


@pytest.mark.parametrize("lane", Lane)
def test_a_request_is_never_refused_for_its_own_size(lane: Lane) -> None:
    """The largest request that is valid is served when nothing is ahead of it."""
    assert Door().is_open("a", lane)


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 2.5), (0.5, 3.75), (0.9, 4.75)])
def test_the_wait_is_for_half_of_what_is_ahead_with_jitter(jitter: float, seconds: float) -> None:
    """Those refused together come back apart, and when there is room."""
    door = Door(jitter)
    door.wait("a", BULK, 2500)
    door.wait("b", BULK, 2500)
    assert door.admission.refuse(BULK, "c") == Overloaded(timedelta(seconds=seconds))


def test_the_wait_is_bounded() -> None:
    """However much is ahead, the SDKs obey the wait."""
    door = Door()
    door.wait("a", BULK, 10_000_000)
    assert door.admission.refuse(BULK, "a") == Overloaded(timedelta(seconds=30))
