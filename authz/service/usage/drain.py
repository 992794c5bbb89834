"""Tells PostgreSQL what was used, as soon as it can be told, and as often as it takes."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from authz.domain.undecided import DatabaseError, UsageUnavailableError
from authz.domain.usage.tally import Counter
from authz.service.usage.fold import fold_all, forget_old
from authz.service.usage.ports import Counters, Journal, JournalFile, UsageTable

_ROWS: Final = 500

_log = structlog.get_logger()


class UsageDrain:
    """Adds charges up every `interval_seconds`, and sends the counters that changed.

    A server that was started anew may be another, which never got the last that was sent to the one
    before. So everything that is still in the journal is sent to it again. `may_forget` tells
    whether old charges may go: not before all was read that may refund them. `jitter` returns a
    factor around 1.
    """

    def __init__(
        self,
        file: JournalFile,
        journal: Journal,
        counters: Counters,
        table: UsageTable,
        interval_seconds: float,
        may_forget: Callable[[], bool],
        jitter: Callable[[], float],
    ) -> None:
        self._file = file
        self._journal = journal
        self._counters = counters
        self._table = table
        self._interval_seconds = interval_seconds
        self._may_forget = may_forget
        self._jitter = jitter
        self._failure: str | None = None

    async def run(self) -> None:
        """Drain again and again, until cancelled."""
        while True:
            await self.drain()
            await asyncio.sleep(self._interval_seconds * self._jitter())

    async def close(self, timeout_seconds: float) -> None:
        """Drain for the last time; what is not taken waits for the next process here."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.drain()
        except TimeoutError:
            _log.warning("usage.kept", why="timeout")

    async def drain(self) -> None:
        """Tell all that is not known; what cannot be told now is told later."""
        self._file.tend()
        try:
            await fold_all(self._journal)
            if self._may_forget():
                await forget_old(self._journal)
            await self._send()
        except UsageUnavailableError:
            return  # the journal has said why
        except DatabaseError as error:
            self._note(str(error))
            return
        if self._failure is not None:
            _log.info("usage.resumed")
        self._failure = None

    async def _send(self) -> None:
        # Also where nothing is to be told: a server that lost something has to be noticed.
        while True:
            counters = self._counters.unsent(_ROWS)
            server = await self._tell(counters)
            if server != self._counters.read_server():
                await self._send_again(server)
            if len(counters) < _ROWS:
                return

    async def _send_again(self, server: str) -> None:
        minute, slot = -1, 0
        _log.info("usage.sent_again", server=server)
        while counters := self._counters.after(minute, slot, _ROWS):
            if await self._tell(counters) != server:
                return  # it was started anew again
            minute, slot = counters[-1].minute, counters[-1].slot
        self._counters.write_server(server)

    async def _tell(self, counters: Sequence[Counter]) -> str:
        server, refused = await self._table.merge(counters)
        if refused:
            _log.error("usage.refused", minutes=sorted({each.minute for each in refused})[:10])
        self._counters.note_answer(counters, refused)
        return server

    def _note(self, why: str) -> None:
        """Say why, once."""
        if why != self._failure:
            _log.warning("usage.delayed", failure=why)
        self._failure = why
