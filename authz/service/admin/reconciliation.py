"""Compares, minute by minute, what authz charged, the access log saw and the adapter served."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from authz.domain.traffic import CountedMinute, Drift
from authz.domain.undecided import DatabaseError
from authz.service.admin.metrics import ReconciliationMetrics
from authz.service.admin.ports import Database

_MINUTE: Final = timedelta(minutes=1)
_WINDOW: Final = timedelta(hours=1)
_AGREED: Final = Drift()
_ROUNDS: Final = 10
"""Of these, all but one look only at what is new or did not agree."""

_log = structlog.get_logger()


class Reconciliation:
    """Exports how far the counts of the last hour are apart.

    A minute is looked at when it began `settled_after` ago: by then its requests have ended, and
    all have told what they counted. One that does not agree is looked at again, for what was
    counted may only be late; and for what is very late, every few rounds all are. `jitter` returns
    a factor around 1.
    """

    def __init__(
        self,
        database: Database,
        metrics: ReconciliationMetrics,
        settled_after: timedelta,
        jitter: Callable[[], float],
        interval_seconds: float = 60.0,
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._settled_after = settled_after
        self._jitter = jitter
        self._interval_seconds = interval_seconds
        self._rounds = 0
        self._drifts: dict[datetime, Drift] = {}

    async def run(self) -> None:
        """Compare again and again, until cancelled."""
        while True:
            try:
                await self.compare()
            except DatabaseError as error:
                _log.warning("reconciliation.failed", failure=str(error))
            await asyncio.sleep(self._interval_seconds * self._jitter())

    async def compare(self) -> None:
        """Compare what is new, and what did not agree. Raises `DatabaseError`."""
        async with self._database.session() as tables:
            newest = _begin_of_minute(await tables.traffic.time() - self._settled_after)
            window = [newest - _MINUTE * age for age in range(_WINDOW // _MINUTE)]
            counted = await tables.traffic.count(self._choose(window))
        self._drifts = {each: self._drifts[each] for each in window if each in self._drifts}
        for each in counted:
            self._note(each)
        self._export()

    def _choose(self, window: Sequence[datetime]) -> Sequence[datetime]:
        self._rounds += 1
        if self._rounds % _ROUNDS == 0:
            return window
        return [each for each in window if self._drifts.get(each) != _AGREED]

    def _note(self, counted: CountedMinute) -> None:
        before, drift = self._drifts.get(counted.minute), counted.drift
        self._drifts[counted.minute] = drift
        if before is None:
            self._metrics.compared.inc()
        if drift == (before or _AGREED):
            return
        if drift == _AGREED:
            _log.info("usage.agreed", minute=counted.minute.isoformat())
        else:
            _log.error("usage.drifted", minute=counted.minute.isoformat(), **_facts(counted))

    def _export(self) -> None:
        drifts = self._drifts.values()
        for name, each in (
            ("charged_seen", [drift.charged_seen for drift in drifts]),
            ("seen_served", [drift.seen_served for drift in drifts]),
        ):
            self._metrics.requests.labels(name).set(_sum(one.requests for one in each))
            self._metrics.tokens.labels(name).set(_sum(one.tokens for one in each))


def _begin_of_minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def _facts(counted: CountedMinute) -> dict[str, int]:
    traffic = counted.traffic
    counts = {
        "charged": counted.charged,
        "seen": traffic.seen,
        "left": traffic.left,
        "served": traffic.served,
    }
    return {f"{name}_requests": each.requests for name, each in counts.items()} | {
        f"{name}_tokens": each.tokens for name, each in counts.items()
    }


def _sum(differences: Iterable[int]) -> int:
    """Sum up how far each is off: one minute's excess does not make up for another's lack."""
    return sum(map(abs, differences))
