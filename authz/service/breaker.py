"""Keeps requests from waiting, each for its own timeout, for a database that is away."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from authz.domain.undecided import DatabaseError, QuotaUnavailableError
from authz.service.metrics import QuotaMetrics

_log = structlog.get_logger()


class Breaker:
    """Open from the first failure until a probe, which no request waits for, succeeds.

    While it is open local shares stand in, for `grace_seconds` and no longer.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[None]],
        probe_seconds: float,
        grace_seconds: float,
        clock: Callable[[], float],
        metrics: QuotaMetrics,
    ) -> None:
        self._probe = probe
        self._probe_seconds = probe_seconds
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._metrics = metrics
        self._opened_at: float | None = None
        self._prober: asyncio.Task[None] | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether the database is not to be asked now."""
        return self._opened_at is not None

    def check_grace(self) -> None:
        """Return while a local share may stand in.

        Raises:
            QuotaUnavailableError: the outage has lasted too long.
        """
        if self._opened_at is not None and self._clock() - self._opened_at > self._grace_seconds:
            raise QuotaUnavailableError

    def trip(self, failure: str) -> None:
        """Open, and start to probe."""
        if self._opened_at is not None:
            return
        self._opened_at = self._clock()
        self._metrics.outages.inc()
        self._metrics.outage.set(1)
        _log.error("quota.outage_began", failure=failure)
        self._prober = asyncio.create_task(self._probe_until_up())

    async def _probe_until_up(self) -> None:
        while True:
            await asyncio.sleep(self._probe_seconds)
            try:
                await self._probe()
            except DatabaseError:
                continue
            except Exception:  # noqa: BLE001 who gives up probing stays without a ledger for ever
                _log.exception("quota.probe_failed")
                continue
            self._opened_at = None
            self._metrics.outage.set(0)
            _log.info("quota.outage_ended")
            return
