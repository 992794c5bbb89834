"""Calendar months of UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.administration.month import BadMonthError, Month


def test_a_month_ends_where_the_next_begins() -> None:
    """Also at the end of a year."""
    december = Month.parse("2026-12")
    assert december.start == datetime(2026, 12, 1, tzinfo=UTC)
    assert december.end == datetime(2027, 1, 1, tzinfo=UTC)
    assert december.plus(-12) == Month(2025, 12)


@given(st.integers(2000, 9000), st.integers(1, 12), st.integers(-1200, 1200))
def test_months_are_counted_as_people_do(year: int, number: int, step: int) -> None:
    """Forth and back."""
    month = Month(year, number)
    assert month.plus(step).plus(-step) == month
    assert (month.plus(step) < month) == (step < 0)
    assert Month.parse(str(month)) == month


_ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))


@given(st.datetimes(timezones=_ZONES).filter(lambda moment: 2000 < moment.year < 9000))
def test_a_moment_is_in_one_month_wherever_it_is_told(moment: datetime) -> None:
    """By UTC, and by no other zone."""
    month = Month.of(moment)
    assert month.start <= moment < month.end


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-00", "2026-1", "26-01", "9999-12"])
def test_what_is_no_month_is_refused(text: str) -> None:
    """So is the last one that a date can be in, for nothing comes after it."""
    with pytest.raises(BadMonthError):
        Month.parse(text)
