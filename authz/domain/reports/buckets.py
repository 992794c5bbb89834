"""Buckets of time: minutes, hours, and UTC's days and months."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final


class Width(StrEnum):
    """How long a bucket is."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


_EVEN: Final = {
    Width.MINUTE: timedelta(minutes=1),
    Width.HOUR: timedelta(hours=1),
    Width.DAY: timedelta(days=1),
}
_MONTHS: Final = 12
_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)


def round_down(width: Width, moment: datetime) -> datetime:
    """Return the start of the bucket that a moment is in."""
    if width is Width.MONTH:
        return _from_month(_month(moment))
    return moment - (moment - _FIRST) % _EVEN[width]


def round_up(width: Width, moment: datetime) -> datetime:
    """Return the next moment at which a bucket starts: this one, if one does."""
    start = round_down(width, moment)
    return start if start == moment else advance(width, start)


def advance(width: Width, start: datetime, count: int = 1) -> datetime:
    """Return the start of the bucket that comes `count` buckets after one."""
    if width is Width.MONTH:
        return _from_month(_month(start) + count)
    return start + count * _EVEN[width]


def count_buckets(width: Width, start: datetime, end: datetime) -> int:
    """Return how many buckets there are between two starts."""
    if width is Width.MONTH:
        return _month(end) - _month(start)
    return (end - start) // _EVEN[width]


def each_start(width: Width, start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the start of each bucket between two starts, the second left out."""
    for number in range(count_buckets(width, start, end)):
        yield advance(width, start, number)


def _month(moment: datetime) -> int:
    in_utc = moment.astimezone(UTC)
    return in_utc.year * _MONTHS + in_utc.month - 1


def _from_month(number: int) -> datetime:
    year, month = divmod(number, _MONTHS)
    return datetime(year, month + 1, 1, tzinfo=UTC)
