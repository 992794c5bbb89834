"""Counts, minute by minute, what the access log tells, to be compared with what was charged."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from authz.domain.traffic import Traffic
from authz.service.write_later import LateWriter

_KEPT: Final = timedelta(hours=1)
"""Longer than any request takes. A minute that is forgotten would begin at nothing again."""
_AHEAD: Final = timedelta(minutes=5)


class TrafficCounter:
    """Sums over all that was told since this process started, so writing them twice is harmless."""

    def __init__(
        self, writer: LateWriter[datetime, Traffic], clock: Callable[[], datetime]
    ) -> None:
        self._writer = writer
        self._clock = clock
        self._minutes: dict[datetime, Traffic] = {}

    def count(self, minute: int, traffic: Traffic) -> None:
        """Add to a minute, counted since 1970; one that cannot be is not counted."""
        now = self._clock()
        since_now = minute * 60 - now.timestamp()
        if not -_KEPT.total_seconds() < since_now < _AHEAD.total_seconds():
            return
        began = datetime.fromtimestamp(minute * 60, UTC)
        if began not in self._minutes:
            self._forget(now - _KEPT)
        self._minutes[began] = total = self._minutes.get(began, Traffic()) + traffic
        self._writer.put(began, total)

    def _forget(self, before: datetime) -> None:
        for minute in [each for each in self._minutes if each < before]:
            del self._minutes[minute]
