"""Two lanes: short requests first, and bulk never starved."""

from collections import Counter
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.scheduler import Scheduler
from inference.adapter.scheduler.shapes import Shapes
from tests.inference.adapter.scheduler.rows import Requests, drain, leader

SHORT, BULK = Lane.SHORT, Lane.BULK
PATIENCE = 3

turns = st.lists(st.sets(st.sampled_from([SHORT, BULK])), max_size=80)


def make() -> Scheduler:
    """A scheduler whose batches hold ten tokens."""
    return Scheduler(Shapes.plan((), 8, 10), PATIENCE)


def test_a_short_request_goes_before_bulk_that_waits() -> None:
    """And shares no batch with it, whose length it would have to wait for."""
    scheduler, source = make(), Requests()
    scheduler.add(source.make("a", *[1] * 20, lane=BULK))
    scheduler.add(source.make("b", 1, 1, lane=SHORT))
    assert [formed.lane for formed in drain(scheduler)] == [SHORT, BULK, BULK, BULK]


@given(turns)
def test_bulk_is_passed_by_so_many_batches_and_no_more(turns: list[set[Lane]]) -> None:
    """Whatever comes, in whatever order; and something is sent while anything waits."""
    scheduler, source = make(), Requests()
    passed = 0
    for arriving in turns:
        for lane in arriving:
            scheduler.add(source.make("a", 10, lane=lane))
        waited = {lane for lane in Lane if scheduler.tokens(lane)}
        formed = scheduler.form()
        assert (formed is not None) == bool(waited)
        if formed is None:
            continue
        passed = passed + 1 if formed.lane is SHORT and BULK in waited else 0
        assert passed <= PATIENCE


def test_short_requests_keep_their_part_however_much_bulk_waits() -> None:
    """Of the batches that are made while both wait, bulk has one in four."""
    scheduler, source = make(), Requests()
    scheduler.add(source.make("a", *[10] * 100, lane=BULK))
    scheduler.add(source.make("b", *[10] * 90, lane=SHORT))
    lanes = [formed.lane for formed in drain(scheduler)]
    assert [len(list(group)) for lane, group in groupby(lanes[:120]) if lane is SHORT] == [3] * 30


def test_rows_that_run_apart_go_first() -> None:
    """They have waited already."""
    scheduler, source = make(), Requests()
    failed = source.make("a", 1, 1)
    scheduler.add(failed)
    (formed,) = drain(scheduler)
    scheduler.add(source.make("b", 1))
    scheduler.add_apart(formed.apart(failed))
    assert [leader(each).key for each in drain(scheduler)] == ["a", "b"]


@given(st.lists(st.sampled_from([SHORT, BULK]), min_size=1, max_size=20), st.integers(0, 30))
def test_a_withdrawn_request_has_no_row_in_any_batch(lanes: list[Lane], victim: int) -> None:
    """Not in its lane, nor among those that run apart."""
    scheduler, source = make(), Requests()
    jobs = [source.make("a", 3, 3, lane=lane) for lane in lanes]
    for job in jobs:
        scheduler.add(job)
    formed = scheduler.form()
    assert formed is not None
    for job in formed.parts:
        scheduler.add_apart(formed.apart(job))
    withdrawn = jobs[victim % len(jobs)]
    scheduler.withdraw(withdrawn)
    rows = Counter(job for each in drain(scheduler) for job in each.parts)
    assert rows[withdrawn] == 0
    assert set(rows) == set(jobs) - {withdrawn}
    assert sum(scheduler.tokens(lane) for lane in Lane) == 0
