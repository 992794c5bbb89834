"""The time that a report is about: whole buckets, none of them yet to come."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from authz.domain.administration.refusals import FieldViolation
from authz.domain.reports.buckets import Width, count_buckets, round_down, round_up

MINUTES_KEPT: Final = timedelta(days=35)
"""After that a minute is only a part of its hour."""


@dataclass(frozen=True, slots=True)
class Span:
    """Buckets of one width, from the one that begins at `start` to before the one at `end`."""

    width: Width
    start: datetime
    end: datetime

    @property
    def buckets(self) -> int:
        """Return how many there are."""
        return count_buckets(self.width, self.start, self.end)


def find_span(
    width: Width, start: datetime, end: datetime | None, now: datetime
) -> Span | FieldViolation:
    """Return every bucket that has a part in [start, end) and has begun; without an end, until now.

    What is wrong is told by the field that both APIs have for it.
    """
    if end is not None and end <= start:
        return FieldViolation("end_time", "must be after the start")
    if width is Width.MINUTE and start < now - MINUTES_KEPT:
        return FieldViolation(
            "start_time",
            f"is over {MINUTES_KEPT.days} days ago: minutes are not kept so long, hours are",
        )
    first = round_down(width, start)
    last = now if end is None else min(end, now)
    return Span(width, first, max(first, round_up(width, last)))
