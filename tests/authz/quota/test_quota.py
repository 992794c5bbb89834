"""All limits of an account, charged together."""

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from authz.domain.quota.allowance import Allowance, Period, calendar_month
from authz.domain.quota.amounts import Amounts, Dimension
from authz.domain.quota.quota import Limits, charge, fresh

_NOW: Final = 1_700_000_000_000_000
_LIMITS: Final = Limits(60, 10_000, 50_000)
_COSTS: Final = st.builds(Amounts, st.integers(1, 80), st.integers(1, 12_000))


@given(st.lists(st.tuples(_COSTS, st.integers(0, 30_000_000)), max_size=30))
def test_all_dimensions_are_charged_or_none(steps: list[tuple[Amounts, int]]) -> None:
    """A request that one limit refuses burns none of the others; the named one refuses indeed."""
    quota, now = fresh(_LIMITS, _NOW), _NOW
    for cost, pause in steps:
        now += pause
        before = quota.at(now)
        quota, limited = charge(quota, cost, now)
        if limited is None:
            assert before.room.covers(cost)
            assert quota == before.spend(cost)
        else:
            assert quota == before
            assert limited.used + limited.requested > limited.limit


@given(st.lists(_COSTS, min_size=1, max_size=30), _COSTS)
def test_the_wait_is_the_longest(spent: list[Amounts], cost: Amounts) -> None:
    """When it is over, no other limit stands in the way: a client waits once."""
    quota = fresh(_LIMITS, _NOW)
    for each in spent:
        quota, _ = charge(quota, each, _NOW)
    _, limited = charge(quota, cost, _NOW)
    if limited is not None and limited.wait is not None:
        assert charge(quota, cost, _NOW + limited.wait - 1)[1] is not None
        assert charge(quota, cost, _NOW + limited.wait)[1] is None


def test_a_month_that_is_spent_is_named_and_ends_with_its_period() -> None:
    """What refills meanwhile does not matter."""
    quota, _ = charge(fresh(Limits(60, 10_000, 5_000), _NOW), Amounts(1, 5_000), _NOW)
    _, limited = charge(quota, Amounts(1, 1), _NOW)
    assert limited is not None
    assert limited.dimension is Dimension.MONTH
    assert limited.wait == quota.month.period.ends - _NOW


@given(st.integers(0, 4 * 10**15))
def test_months_follow_each_other_without_a_gap(now: int) -> None:
    """Every moment is in one month, which the next one begins with the end of."""
    month = calendar_month(now)
    assert month.starts <= now < month.ends
    assert calendar_month(month.ends).starts == month.ends


@given(st.lists(st.integers(-(10**13), 10**13), max_size=30))
def test_a_period_is_entered_once(steps: list[int]) -> None:
    """Whatever the clock does around its end, what was spent in a period is forgotten once."""
    allowance, now, entered = Allowance(100, calendar_month(_NOW), spent=7), _NOW, []
    for step in steps:
        now += step
        after = allowance.enter(now)
        if after.period != allowance.period:
            entered.append(after.period.starts)
            assert after.spent == 0
        else:
            assert after == allowance
        allowance = after
    assert entered == sorted(set(entered))


@given(spent=st.integers(0, 100), refund=st.integers(0, 200), late=st.booleans())
def test_a_refund_returns_no_more_than_was_spent(*, spent: int, refund: int, late: bool) -> None:
    """And only to the period that it was spent in."""
    period = Period(0, 10)
    allowance = Allowance(100, Period(10, 20) if late else period, spent)
    expected = spent if late else max(0, spent - refund)
    assert allowance.refund(refund, period).spent == expected
