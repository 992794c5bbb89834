"""A limit per minute, in whole numbers."""

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from authz.domain.quota.amounts import Dimension
from authz.domain.quota.bucket import MINUTE, Bucket
from authz.domain.quota.outcome import Limited

_LIMITS: Final = st.integers(3, 1_000_000)
_SHARES: Final = st.floats(0, 1)
_STEPS: Final = st.lists(st.tuples(_SHARES, st.integers(0, 2 * MINUTE)), min_size=1, max_size=15)


def _take(bucket: Bucket, units: int, now: int) -> tuple[Bucket, Limited | None]:
    bucket = bucket.refill(now)
    limited = bucket.judge(units, Dimension.TOKENS)
    return (bucket if limited else bucket.spend(units)), limited


@given(_LIMITS, _STEPS)
def test_no_interval_sees_more_than_the_limit_and_its_refill(
    limit: int, steps: list[tuple[float, int]]
) -> None:
    """Between any two admissions, and so in every prefix too: to the grain, without slack."""
    bucket, now, admitted = Bucket(limit), 0, []
    for share, pause in steps:
        now += pause
        units = int(share * limit)
        bucket, limited = _take(bucket, units, now)
        if limited is None:
            admitted.append((now, units))
    for first, (start, _) in enumerate(admitted):
        total = 0
        for at, units in admitted[first:]:
            total += units
            assert total * MINUTE <= limit * MINUTE + limit * (at - start)


@given(_LIMITS, _STEPS, _SHARES)
def test_the_wait_is_exact(limit: int, steps: list[tuple[float, int]], share: float) -> None:
    """A microsecond sooner it is refused; at the time it was told it is admitted."""
    bucket, now = Bucket(limit), 0
    for used, pause in steps:
        now += pause
        bucket, _ = _take(bucket, int(used * limit), now)
    units = max(1, int(share * limit))
    limited = bucket.judge(units, Dimension.TOKENS)
    if limited is None:
        return
    assert limited.wait is not None
    assert limited.used + limited.requested > limit
    assert _take(bucket, units, now + limited.wait - 1)[1] is not None
    assert _take(bucket, units, now + limited.wait)[1] is None


@given(_LIMITS, st.integers(1, 1_000_000))
def test_what_is_larger_than_the_limit_never_fits(limit: int, more: int) -> None:
    """There is no wait to be told, and an empty bucket makes no difference."""
    assert Bucket(limit).judge(limit + more, Dimension.TOKENS) == Limited(
        Dimension.TOKENS, limit, 0, limit + more, None
    )


@given(_LIMITS, _SHARES, st.lists(_LIMITS, max_size=8))
def test_a_changed_limit_neither_gives_nor_takes(
    limit: int, share: float, limits: list[int]
) -> None:
    """However often it changes at one moment, what was used stays used, and no more than that."""
    bucket = Bucket(limit).spend(int(share * limit))
    changed = bucket
    for other in limits:
        changed = changed.resize(other, 0)
    assert changed.spent == bucket.spent
    assert changed.resize(limit, 0) == bucket


@given(_LIMITS, _SHARES, _SHARES, st.integers(0, MINUTE))
def test_what_is_reserved_does_not_refill(
    limit: int, spent: float, reserved: float, pause: int
) -> None:
    """Released, it is there at once; spent, it refills from then on."""
    units = int(reserved * limit)
    bucket = Bucket(limit).spend(int(spent * limit) // 2).reserve(units // 2)
    later = bucket.refill(pause)
    assert later.reserved == bucket.reserved
    assert later.release(units // 2) == Bucket(limit, bucket.spent).refill(pause)
    assert later.spend(units // 2, units // 2).taken == later.taken


def test_the_headers_say_what_openai_documents() -> None:
    """3,000 a minute with one used is full in 20 ms; 3 of 3 used leaves a wait of 20 s."""
    assert Bucket(3_000).spend(1).standing(0).reset == 20_000
    assert Bucket(3_000).spend(1).standing(0).remaining == 2_999
    limited = Bucket(3).spend(3).judge(1, Dimension.REQUESTS)
    assert limited == Limited(Dimension.REQUESTS, 3, 3, 1, 20_000_000)


@given(_LIMITS, st.integers(0, 5_000_000))
def test_a_clock_that_goes_back_refills_nothing(limit: int, back: int) -> None:
    """Nor does it count the same refill twice when it comes forward again."""
    bucket = Bucket(limit, limit * MINUTE, at=10**9)
    assert bucket.refill(10**9 - back).refill(10**9) == bucket


def test_a_clock_that_was_set_back_does_not_lock_an_account_out() -> None:
    """A bucket from the far future refills from now on."""
    bucket = Bucket(60, 60 * MINUTE, at=10**12).refill(10**9)
    assert bucket.refill(10**9 + MINUTE).room == 60
