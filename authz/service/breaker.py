"""Keeps requests from waiting, each for its own timeout, for a database that is away."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from authz.domain.undecided import DatabaseError, QuotaUnavailableError
from authz.service.metrics import QuotaMetrics

_TURNS: Final = 10
"""A probe's patience is counted in so many parts: one in which this process itself stood still,
however long, is one in which nobody could answer it."""
_SLOW_MAX_SECONDS: Final = 2.0
_APART_SECONDS: Final = 5.0
"""Failures that are further apart have nothing to do with each other."""

_log = structlog.get_logger()


class Breaker:
    """Open from when the database is known to be away until a probe succeeds.

    While it is open local shares stand in, for `grace_seconds` and no longer. Beside a database
    that others go on with they would grant what is granted there as well, so one late answer opens
    nothing: a probe must fail too, after `patience_seconds` at most. Though probes succeed it opens
    where what is asked fails twice in a row, or is not answered for two seconds.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[None]],
        probe_seconds: float,
        patience_seconds: float,
        grace_seconds: float,
        clock: Callable[[], float],
        metrics: QuotaMetrics,
    ) -> None:
        self._probe = probe
        self._probe_seconds = probe_seconds
        self._patience_seconds = patience_seconds
        self._grace_seconds = grace_seconds
        self._clock = clock
        self._metrics = metrics
        self._opened_at: float | None = None
        self._failing_since: float | None = None
        self._failed_at = 0.0
        self._task: asyncio.Task[None] | None = None

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

    def hear(self) -> None:
        """Take note that the database has done what it was asked."""
        self._failing_since = None

    def suspect(self, failure: str, *, is_slow: bool, opened: Callable[[], None]) -> None:
        """Find out whether the database is away; if so, open, and call `opened`."""
        if self._opened_at is not None:
            opened()
            return
        now, failed_at = self._clock(), self._failed_at
        self._failed_at = now
        if self._failing_since is None or now - failed_at > _APART_SECONDS:
            self._failing_since = now
            _log.warning("quota.ledger_late", failure=failure)
        elif not is_slow or now - self._failing_since >= _SLOW_MAX_SECONDS:
            self.trip(failure)
            opened()
            return
        if self._task is None:
            self._task = asyncio.create_task(self._examine(failure, opened))

    def trip(self, failure: str) -> None:
        """Open, and probe until that succeeds."""
        if self._opened_at is not None:
            return
        self._opened_at = self._clock()
        self._metrics.outages.inc()
        self._metrics.outage.set(1)
        _log.error("quota.outage_began", failure=failure)
        self._task = asyncio.create_task(self._probe_until_up())

    async def _examine(self, failure: str, opened: Callable[[], None]) -> None:
        is_up = await self._is_up()
        if self._opened_at is not None:  # by another failure meanwhile
            return
        self._task = None
        if is_up:
            self._metrics.suspicions.inc()
            return
        self.trip(failure)
        opened()

    async def _probe_until_up(self) -> None:
        is_up = False
        while not is_up:
            await asyncio.sleep(self._probe_seconds)
            is_up = await self._is_up()
        self._opened_at = self._task = None
        self._metrics.outage.set(0)
        _log.info("quota.outage_ended")

    async def _is_up(self) -> bool:
        probe = asyncio.ensure_future(self._probe())
        try:
            for _ in range(_TURNS):
                await asyncio.wait({probe}, timeout=self._patience_seconds / _TURNS)
                if probe.done():
                    break
            else:
                return False
            probe.result()
        except DatabaseError:
            return False
        except Exception:  # noqa: BLE001 who gives up probing stays without a ledger for ever
            _log.exception("quota.probe_failed")
            return False
        finally:
            probe.cancel()
        return True
