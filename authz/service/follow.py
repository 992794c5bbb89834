"""Keeps the directory up to date: every change within moments, and always within a poll."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from authz.domain.directory import BadDirectoryError
from authz.domain.undecided import DatabaseError
from authz.service.current_directory import CurrentDirectory
from authz.service.metrics import DirectoryMetrics
from authz.service.ports import DirectoryFeed, DirectorySession

_BACKOFF_SECONDS: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 3.0)

_log = structlog.get_logger()


class DirectoryFollower:
    """Reads the directory, then what changes in it, for as long as the process lives.

    The poll finds what an announcement that was lost would have told, and is the heartbeat that
    finds a connection dead. `jitter` returns a factor around 1, so that processes that lost the
    same server do not come back as one.
    """

    def __init__(
        self,
        feed: DirectoryFeed,
        current: CurrentDirectory,
        metrics: DirectoryMetrics,
        poll_seconds: float,
        jitter: Callable[[], float],
    ) -> None:
        self._feed = feed
        self._current = current
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
                delay = _BACKOFF_SECONDS[min(self._failures, len(_BACKOFF_SECONDS) - 1)]
                self._failures += 1
                _log.warning(
                    "directory.disconnected",
                    failure=str(error),
                    age_seconds=round(self._current.age_seconds, 1),
                    retry_in_seconds=delay,
                )
                await asyncio.sleep(delay * self._jitter())

    async def _follow(self, session: DirectorySession) -> None:
        while True:
            await self._read(session)
            await session.wait(self._poll_seconds)

    async def _read(self, session: DirectorySession) -> None:
        known = self._current.directory
        try:
            directory = await session.read(known)
        except BadDirectoryError as error:
            self._refuse(str(error))
            # An announcement would otherwise bring us back at once, to the same refusal.
            await asyncio.sleep(self._poll_seconds)
            return
        self._failures = 0
        self._refusal = None
        self._current.confirm(directory)
        if directory is not known:
            self._metrics.number.set(directory.number)
            _log.info("directory.changed", number=directory.number, keys=len(directory.keys))

    def _refuse(self, why: str) -> None:
        """Keep the last good state, which grows older until it is too old; say why, once."""
        self._metrics.refusals.inc()
        if why != self._refusal:
            _log.error("directory.refused", why=why)
        self._refusal = why
