"""Buckets of time, and the time that a report is about."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.administration.refusals import FieldViolation
from authz.domain.directory import AccountId, KeyId
from authz.domain.reports.buckets import (
    Width,
    advance,
    count_buckets,
    each_start,
    round_down,
    round_up,
)
from authz.domain.reports.continuation import Continuation
from authz.domain.reports.span import Span, find_span
from authz.domain.reports.usage import Group

_NOW: Final = datetime(2026, 3, 31, 12, 34, 56, tzinfo=UTC)

_widths = st.sampled_from(list(Width))
_moments = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001 it gets its zone beside it
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))]),
)


@given(_widths, _moments, st.integers(0, 50))
def test_each_moment_is_in_one_bucket(width: Width, moment: datetime, count: int) -> None:
    """It begins at or before it and ends after it; buckets follow without a gap."""
    start = round_down(width, moment)
    assert start <= moment < advance(width, start)
    assert round_down(width, start) == round_up(width, start) == start
    assert round_up(width, moment) in {start, advance(width, start)}
    end = advance(width, start, count)
    assert count_buckets(width, start, end) == count
    starts = list(each_start(width, start, end))
    assert len(starts) == count
    assert all(advance(width, one) == following for one, following in pairwise(starts))


def test_days_and_months_are_utcs() -> None:
    """Whatever zone a moment is told in."""
    moment = datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert round_down(Width.DAY, moment) == datetime(2026, 2, 28, tzinfo=UTC)
    assert round_down(Width.MONTH, moment) == datetime(2026, 2, 1, tzinfo=UTC)
    assert advance(Width.MONTH, datetime(2025, 12, 1, tzinfo=UTC)) == datetime(
        2026, 1, 1, tzinfo=UTC
    )


def test_a_span_is_of_whole_buckets_that_have_begun() -> None:
    """Rounded out at both sides, and cut off at the end of the current one."""
    start = datetime(2026, 3, 30, 23, 59, 59, tzinfo=UTC)
    first, tomorrow = datetime(2026, 3, 30, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    for end in (None, _NOW + timedelta(days=9)):
        assert find_span(Width.DAY, start, end, _NOW) == Span(Width.DAY, first, tomorrow)
    ends = datetime(2026, 3, 31, tzinfo=UTC)
    assert find_span(Width.DAY, start, ends, _NOW) == Span(Width.DAY, first, ends)
    later = find_span(Width.DAY, _NOW + timedelta(days=3), None, _NOW)
    assert isinstance(later, Span)
    assert later.buckets == 0


@pytest.mark.parametrize("over", [timedelta(0), timedelta(microseconds=1)])
def test_minutes_are_there_for_35_days(over: timedelta) -> None:
    """To the moment; hours for ever."""
    start = _NOW - timedelta(days=35) - over
    found = find_span(Width.MINUTE, start, None, _NOW)
    assert isinstance(found, FieldViolation) == bool(over)
    assert isinstance(find_span(Width.HOUR, start - timedelta(days=9999), None, _NOW), Span)


@given(
    _moments,
    st.none()
    | st.builds(
        Group,
        st.none() | st.uuids().map(AccountId),
        st.none() | st.uuids().map(KeyId),
        st.none() | st.text("abc/.-_ü", min_size=1),
    ),
)
def test_where_a_report_goes_on_is_read_as_it_was_written(
    moment: datetime, group: Group | None
) -> None:
    """To the second, which every bucket begins at."""
    bucket = round_down(Width.MINUTE, moment)
    written = Continuation(bucket + timedelta(minutes=1), bucket, group)
    assert Continuation.parse(written.write()) == written


@given(
    st.text()
    | st.sampled_from(
        [
            "null",
            "{}",
            "[1]",
            "[1, null]",
            '["1", 1]',
            "[1e99, 1]",
            "[1, 1, 1]",
            "[1, 1, 2, 3, 4]",
            '[1, 1, "x", null, null]',
            '[1, 1, null, null, "a\\u0000b"]',
            "[NaN, 1]",
            "[" * 100_000,
        ]
    )
)
def test_what_was_not_written_here_is_no_position(text: str) -> None:
    """Whatever it is."""
    assert Continuation.parse(text) is None
