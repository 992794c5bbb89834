"""Keeps the directory up to date, and tells what is applied."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from authz.domain.directory import BadDirectoryError
from authz.domain.process import REFUSES_EVERYTHING, ReplacedError
from authz.domain.undecided import DatabaseError
from authz.service.current_directory import CurrentDirectory
from authz.service.keep_snapshot import SnapshotKeeper
from authz.service.metrics import DirectoryMetrics
from authz.service.ports import DirectoryFeed, DirectorySession

_BACKOFF_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Told:
    """At `sent_at` this process told `number`, and heard afterwards that `newest` is the newest."""

    sent_at: float
    number: int
    newest: int


class DirectoryFollower:
    """Reads the directory, then what changes in it, for as long as the process lives.

    The poll finds what an announcement that was lost would have told, is the heartbeat that finds a
    connection dead, and is how others know that this process follows. `jitter` returns a factor
    around 1, so that processes that lost the same server do not come back as one.

    Whoever waits for a change relies on this: once a number was told, nothing older is answered
    from, not even after a new start from the local disk; and this process believes itself fresh
    for no longer than it said, because it counts from before it told.
    """

    def __init__(
        self,
        feed: DirectoryFeed,
        current: CurrentDirectory,
        keeper: SnapshotKeeper,
        metrics: DirectoryMetrics,
        poll_seconds: float,
        jitter: Callable[[], float],
    ) -> None:
        self._feed = feed
        self._current = current
        self._keeper = keeper
        self._metrics = metrics
        self._poll_seconds = poll_seconds
        self._jitter = jitter
        self._failures = 0
        self._refusal: str | None = None

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                async with self._feed.open() as session:
                    await self._follow(session)
            except DatabaseError as error:
                self._metrics.disconnects.inc()
                await self._back_off("directory.disconnected", str(error))
            except ReplacedError as error:
                # Nobody waits any more for what this process learns, so it must not answer.
                self._current.withdraw()
                await self._keeper.keep()
                await self._back_off("process.replaced", str(error))

    async def _back_off(self, event: str, failure: str) -> None:
        delay = _BACKOFF_SECONDS[min(self._failures, len(_BACKOFF_SECONDS) - 1)]
        self._failures += 1
        age_seconds = round(self._current.age_seconds, 1)
        _log.warning(event, failure=failure, age_seconds=age_seconds, retry_in_seconds=delay)
        await asyncio.sleep(delay * self._jitter())

    async def _follow(self, session: DirectorySession) -> None:
        while True:
            told = await self._tell(session)
            if told.newest == self._number and not await session.wait(self._poll_seconds):
                continue
            await self._read(session, told)

    @property
    def _number(self) -> int | None:
        return self._current.directory.number if self._current.directory else None

    async def _tell(self, session: DirectorySession) -> _Told:
        sent_at, number = self._current.now(), self._applied()
        told = _Told(sent_at, number, await session.tell(number))
        self._failures = 0
        if told.newest == self._number:
            self._confirm(told)
        return told

    def _applied(self) -> int:
        """Return what can be told: never more than what a start from the local disk would know."""
        has_none = self._current.directory is None
        if has_none or (self._refusal is not None and not self._current.is_fresh):
            return REFUSES_EVERYTHING
        return self._keeper.number

    def _confirm(self, told: _Told) -> None:
        """Count the directory, which holds all that `told` knew of, as heard when that was sent.

        Not where it was told that this process refuses everything, for then nobody waits for it.
        """
        if told.number != REFUSES_EVERYTHING:
            self._current.confirm(told.sent_at)

    async def _read(self, session: DirectorySession, told: _Told) -> None:
        known = self._current.directory
        try:
            directory = await session.read(known)
        except BadDirectoryError as error:
            self._refuse(str(error))
            # An announcement would otherwise bring us back at once, to the same refusal.
            await asyncio.sleep(self._poll_seconds)
            return
        self._refusal = None
        if directory is not known:
            self._current.adopt(directory)
            await self._keeper.keep()
            self._metrics.number.set(directory.number)
            _log.info("directory.changed", number=directory.number, keys=directory.key_count)
        self._confirm(told)

    def _refuse(self, why: str) -> None:
        """Keep the last good state, which grows older until it is too old; say why, once."""
        self._metrics.refusals.inc()
        if why != self._refusal:
            _log.error("directory.refused", why=why)
        self._refusal = why
