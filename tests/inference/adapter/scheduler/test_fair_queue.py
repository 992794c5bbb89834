"""The bounds of one lane."""

from collections import Counter
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from inference.adapter.scheduler.fair_queue import FairQueue
from inference.adapter.scheduler.job import Formed, Job
from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.shapes import Shapes
from inference.serving import Bucket
from tests.inference.adapter.scheduler.rows import (
    BUCKETS,
    Requests,
    drain,
    leader,
    leaders,
    served,
)

TOKENS_MAX, ROWS_MAX, LONGEST = 32, 6, 40
BATCH_LARGEST = max(TOKENS_MAX, LONGEST)
KEYS = "abcd"

either = st.sampled_from([(), BUCKETS])
lengths = st.lists(st.integers(1, LONGEST), min_size=1, max_size=12)
requests = st.lists(st.tuples(st.sampled_from(KEYS), lengths), min_size=1, max_size=20)


def make(buckets: tuple[Bucket, ...] = ()) -> FairQueue:
    """A lane with small batches."""
    return FairQueue(Lane.SHORT, Shapes.plan(buckets, ROWS_MAX, TOKENS_MAX))


def rows_of(batches: Iterable[Formed]) -> Counter[tuple[int, int]]:
    """Count each row in some batches, by its request's number and its position."""
    return Counter(
        (job.number, position)
        for formed in batches
        for job, positions in formed.parts.items()
        for position in positions
    )


def fill(queue: FairQueue, asked: list[tuple[str, list[int]]]) -> list[Job]:
    """Let requests wait; return them."""
    source = Requests()
    jobs = [source.make(key, *lengths) for key, lengths in asked]
    for job in jobs:
        queue.add(job)
    return jobs


@given(requests, either)
def test_every_row_is_taken_exactly_once(
    asked: list[tuple[str, list[int]]], buckets: tuple[Bucket, ...]
) -> None:
    """Nothing is lost, nothing is run twice, and then nothing waits."""
    queue = make(buckets)
    jobs = fill(queue, asked)
    taken = rows_of(drain(queue))
    assert taken == Counter((job.number, at) for job in jobs for at in range(len(job.sequences)))
    assert queue.tokens == 0


@given(requests, either)
def test_no_batch_exceeds_its_budget(
    asked: list[tuple[str, list[int]]], buckets: tuple[Bucket, ...]
) -> None:
    """In rows of its shape, and in tokens with padding; but a row that does so alone is alone."""
    queue = make(buckets)
    fill(queue, asked)
    for formed in drain(queue):
        lengths = [len(row) for row in formed.sequences]
        assert formed.tokens == sum(lengths)
        assert formed.padded_tokens == sum(map(formed.shape.cost, lengths))
        assert len(lengths) <= formed.shape.rows_max <= ROWS_MAX
        assert formed.padded_tokens <= TOKENS_MAX or len(lengths) == 1


@given(requests)
def test_with_buckets_all_rows_of_a_batch_have_the_same(
    asked: list[tuple[str, list[int]]],
) -> None:
    """No row is padded further than to the bucket that is its own."""
    queue = make(BUCKETS)
    fill(queue, asked)
    for formed in drain(queue):
        found = {queue._shapes.find(len(row)) for row in formed.sequences}
        assert len(found) == 1


@given(requests, either)
def test_a_lane_gives_a_batch_while_anything_waits(
    asked: list[tuple[str, list[int]]], buckets: tuple[Bucket, ...]
) -> None:
    """It is never idle beside work, and says to the token what waits, of whom."""
    queue = make(buckets)
    waiting = Counter[str]()
    for job in fill(queue, asked):
        waiting[job.key] += sum(map(len, job.sequences))
    while sum(waiting.values()):
        formed = queue.form()
        assert formed is not None
        for job, positions in formed.parts.items():
            waiting[job.key] -= sum(len(job.sequences[position]) for position in positions)
        assert {key: queue.tokens_of(key) for key in KEYS} == {key: waiting[key] for key in KEYS}
        assert queue.tokens == sum(waiting.values())
    assert queue.form() is None


@given(requests, st.integers(0, 20), st.integers(0, 10), either)
def test_what_is_withdrawn_is_gone_at_once_and_all_else_is_served(
    asked: list[tuple[str, list[int]]], victim: int, after: int, buckets: tuple[Bucket, ...]
) -> None:
    """Whether its rows all waited, some, or none."""
    queue = make(buckets)
    jobs = fill(queue, asked)
    withdrawn = jobs[victim % len(jobs)]
    before = [formed for _ in range(after) if (formed := queue.form()) is not None]
    queue.withdraw(withdrawn)
    rest = drain(queue)
    assert all(withdrawn not in formed.parts for formed in rest)
    taken = rows_of([*before, *rest])
    others = [job for job in jobs if job is not withdrawn]
    assert all(taken[job.number, at] == 1 for job in others for at in range(len(job.sequences)))
    assert queue.tokens == 0


@given(requests, st.integers(0, 10), st.integers(1, LONGEST), either)
def test_a_new_key_waits_for_three_batches_of_each_other_at_most(
    asked: list[tuple[str, list[int]]], after: int, length: int, buckets: tuple[Bucket, ...]
) -> None:
    """However much the others have queued, and whatever they send after it."""
    queue = make(buckets)
    jobs = fill(queue, asked)
    for _ in range(after):
        queue.form()
    source = Requests(numbers=iter(range(1000, 2000)))
    new = source.make("new", length)
    queue.add(new)
    for job in jobs:
        queue.add(source.make(job.key, *map(len, job.sequences)))
    given_ = Counter[str]()
    while (formed := queue.form()) is not None and new not in formed.parts:
        given_.update({key: served(formed, key) for key in KEYS})
    assert all(tokens <= 3 * BATCH_LARGEST for tokens in given_.values())


@given(
    st.tuples(lengths, lengths),
    st.lists(st.tuples(lengths, st.lists(st.sampled_from("xyz"), max_size=2)), max_size=30),
)
def test_keys_that_wait_are_served_alike(
    firsts: tuple[list[int], list[int]], more: list[tuple[list[int], list[str]]]
) -> None:
    """In a lane of one shape, to within three batches, whoever else comes and goes."""
    queue, source, given_ = make(), Requests(), Counter[str]()
    for key, each in zip("ab", firsts, strict=True):
        queue.add(source.make(key, *each))
    for each, visitors in more:
        for key in "ab":  # neither ever has nothing waiting
            if queue.tokens_of(key) <= TOKENS_MAX + LONGEST:
                queue.add(source.make(key, *each, *[LONGEST] * 3))
        for key in visitors:
            queue.add(source.make(key, *each))
        formed = queue.form()
        assert formed is not None
        given_.update({key: served(formed, key) for key in "ab"})
        assert abs(given_["a"] - given_["b"]) <= 3 * BATCH_LARGEST


@given(
    st.lists(st.lists(lengths, min_size=1, max_size=4), min_size=10, max_size=60),
    st.integers(0, 200),
    either,
)
def test_a_key_that_waits_leads_again_however_many_come_and_go(
    comings: list[list[list[int]]], owed: int, buckets: tuple[Bucket, ...]
) -> None:
    """What is served before is bounded by how many keys wait, not by how many there have been."""
    queue, source = make(buckets), Requests()
    queue.add(source.make("patient", *[LONGEST] * 200))
    for _ in range(owed % 7):
        queue.form()
    given_, waiting_most = 0, 1
    waiting = Counter[str]()
    for turn, each in enumerate(comings):
        for number, rows in enumerate(each):
            queue.add(source.make(f"{turn} {number}", *rows))
            waiting[f"{turn} {number}"] = 1
        waiting_most = max(waiting_most, 1 + sum(queue.tokens_of(key) > 0 for key in waiting))
        formed = queue.form()
        assert formed is not None
        given_ += formed.padded_tokens
        if leader(formed).key == "patient":
            given_ = 0
        assert given_ <= waiting_most * 4 * BATCH_LARGEST


@given(requests, either)
def test_a_keys_requests_lead_in_order(
    asked: list[tuple[str, list[int]]], buckets: tuple[Bucket, ...]
) -> None:
    """None of its rows is passed over for ever because of its length."""
    queue = make(buckets)
    fill(queue, asked)
    led = Counter[str]()
    while (formed := queue.form()) is not None:
        job = leader(formed)
        assert job.number >= led[job.key]
        led[job.key] = job.number


def test_a_key_with_a_backlog_of_long_rows_delays_another_by_one_batch() -> None:
    """Ten thousand rows are waiting, and a query is in the next batch."""
    queue, source = make(BUCKETS), Requests()
    queue.add(source.make("big", *[16] * 10_000))
    queue.form()
    queue.add(source.make("small", 3))
    assert leaders(queue, 3) == ["small", "big", "big"]


def test_a_key_that_comes_back_with_each_answer_gets_no_more_than_its_part() -> None:
    """Having nothing waiting for a moment does not make it new."""
    queue, source = make(), Requests()
    queue.add(source.make("patient", *[TOKENS_MAX] * 100))
    given_ = Counter[str]()
    for _ in range(40):
        queue.add(source.make("eager", TOKENS_MAX))
        given_.update(leaders(queue, 1))
    assert abs(given_["patient"] - given_["eager"]) <= 2


def test_what_was_withdrawn_does_not_count_against_its_key() -> None:
    """Who gave up and asks again is not behind those who did not."""
    queue, source = make(), Requests()
    queue.add(source.make("steady", *[TOKENS_MAX] * 10))
    for _ in range(50):
        job = source.make("restless", *[TOKENS_MAX] * 10)
        queue.add(job)
        queue.withdraw(job)
    queue.add(source.make("restless", 4))
    assert leaders(queue, 2) == ["steady", "restless"]


def test_room_that_nobody_else_could_use_is_forgotten() -> None:
    """A key that filled up others' batches is behind by a batch, not by all of that."""
    queue, source = make(BUCKETS), Requests()
    queue.add(source.make("filler", *[4] * 600))
    for _ in range(60):  # each leads with one row, and leaves seven to the filler
        queue.add(source.make("other", 4))
        queue.form()
    queue.add(source.make("other", *[16] * 100))
    keys = leaders(queue, 4)
    assert "filler" in keys


def test_an_oversize_row_is_paid_in_full() -> None:
    """A key of long rows has as many tokens as one of short rows, not as many rows."""
    queue, source = make(), Requests()
    queue.add(source.make("long", *[10 * TOKENS_MAX] * 10))
    queue.add(source.make("short", *[TOKENS_MAX] * 100))
    keys = [leader(formed).key for formed in drain(queue)[:33]]
    assert 2 <= keys.count("long") <= 4


def test_a_key_that_waits_is_not_passed_by_one_stranger_after_the_other() -> None:
    """Each of them is new, and none has more of a right for that than to its part."""
    queue, source = make(), Requests()
    queue.add(source.make("patient", *[TOKENS_MAX] * 200))
    turns = []
    for number in range(120):
        if queue.tokens == queue.tokens_of("patient"):
            queue.add(source.make(f"stranger {number}", TOKENS_MAX))
        turns += leaders(queue, 1)
    assert turns.count("patient") >= 50


def test_what_a_key_did_not_ask_for_is_not_saved_up() -> None:
    """Having led many small batches gives no right to many large ones in a row."""
    queue, source = make(BUCKETS), Requests()
    queue.add(source.make("other", *[4, 8] * 500))
    queue.add(source.make("modest", 4, 8))
    for number in range(100):
        queue.form()
        queue.add(source.make("modest", (4, 8)[number % 2]))
    queue.add(source.make("modest", *[16] * 100))
    queue.add(source.make("new", 4))
    leaders(queue, 6)
    assert queue.tokens_of("new") == 0


def test_keys_that_have_nothing_waiting_are_forgotten() -> None:
    """A lane that is never empty does not remember every key there ever was."""
    queue, source = make(), Requests()
    queue.add(source.make("always", *[TOKENS_MAX] * 3000))
    for number in range(2000):
        job = source.make(f"key {number}", 4)
        queue.add(job)
        if number % 2:
            queue.withdraw(job)
        queue.form()
    assert len(queue._flows) < 20
    assert sum(map(len, queue._heaps)) < 20
