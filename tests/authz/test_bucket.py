"""Token-bucket arithmetic."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from authz.domain.bucket import Bucket

_LIMITS = st.integers(1, 100_000)
_STEPS = st.lists(
    st.tuples(st.integers(0, 50), st.floats(0, 90, allow_nan=False)), min_size=1, max_size=60
)


@given(_LIMITS, _STEPS)
def test_no_interval_sees_more_than_a_full_bucket_and_its_refill(
    limit: int, steps: list[tuple[int, float]]
) -> None:
    """Between any two moments at most the limit, plus what refills between them, is granted."""
    bucket, now, grants = Bucket(limit, 0, 0.0), 0.0, []
    for asked, wait in steps:
        now += wait
        granted, bucket = bucket.take(asked, now)
        grants.append((now, granted))
    for start in range(len(grants)):
        total = 0
        for at, granted in grants[start:]:
            total += granted
            refilled = (at - grants[start][0]) * limit / 60
            assert total <= limit + refilled + 1e-6


@given(_LIMITS, st.integers(1, 200))
def test_a_full_bucket_grants_exactly_its_limit(limit: int, ask: int) -> None:
    """Nobody is limited below what was sold."""
    bucket, total = Bucket(limit, 0, 0.0), 0
    while (taken := bucket.take(ask, 0.0))[0]:
        total += taken[0]
        bucket = taken[1]
    assert total == limit


@given(_LIMITS)
def test_an_obeyed_wait_is_long_enough(limit: int) -> None:
    """A client that waits as long as it was told gets through, and a millisecond sooner not."""
    empty = Bucket(limit, limit, 0.0)
    wait = empty.time_until_one_fits.total_seconds()
    assert empty.take(1, wait + 1e-5)[0] == 1
    assert empty.take(1, wait - 1e-3)[0] == 0 or wait < 1e-3


def test_the_wait_is_what_openai_documents() -> None:
    """Limit 3, used 3, requested 1: (3 + 1 - 3) / (3 a minute) is 20 seconds."""
    assert Bucket(3, 3, 0.0).time_until_one_fits == timedelta(seconds=20)


def test_the_reset_is_when_the_bucket_is_full() -> None:
    """3,000 a minute with one used is 20 ms."""
    assert Bucket(3000, 1, 0.0).time_until_full == timedelta(milliseconds=20)


@given(_LIMITS, st.floats(0, 1e4, allow_nan=False))
def test_a_clock_that_goes_back_refills_nothing(limit: int, back: float) -> None:
    """Nor does it count the same refill twice when it comes forward again."""
    empty = Bucket(limit, limit, 1e6)
    granted, after = empty.take(1, 1e6 - back)
    assert granted == 0
    assert after.at == 1e6


def test_a_lowered_limit_grants_nothing_until_it_fits() -> None:
    """What was used under the old limit stays used."""
    assert Bucket(100, 80, 0.0).resize(10).take(1, 0.0)[0] == 0
