"""A few connections that read usage, and cannot keep anything waiting for long."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from authz.domain.reports.usage import Group, UsageQuery, UsageRow
from authz.storage.failures import as_database_error
from authz.storage.usage_statement import read_usage

_SETTINGS: Final = {
    "application_name": "tessera-report",
    "default_transaction_read_only": "on",
    # Filters are optional, and a plan made for all of them is good for none.
    "plan_cache_mode": "force_custom_plan",
}
_PING: Final = "SELECT"


class UsageReports:
    """Reads, each time within `timeout_seconds`, connecting and waiting for a connection included.

    Connects when first needed, so it can be made while PostgreSQL is away. Methods raise
    `DatabaseError`.
    """

    def __init__(self, url: str, connections: int, timeout_seconds: float) -> None:
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[asyncpg.Connection] = []

    async def read(self, query: UsageQuery, after: Group | None, limit: int) -> Sequence[UsageRow]:
        """Return rows by bucket, then group, from the one after `after` on.

        `after` is a group of the first bucket.
        """
        async with self._borrow() as connection:
            return await read_usage(connection, query, after, limit)

    async def ping(self) -> None:
        """Return if there is anything to read from."""
        async with self._borrow() as connection:
            await connection.execute(_PING)

    def close(self) -> None:
        """Hang up."""
        while self._idle:
            self._idle.pop().terminate()

    @asynccontextmanager
    async def _borrow(self) -> AsyncIterator[asyncpg.Connection]:
        with as_database_error():
            async with asyncio.timeout(self._timeout_seconds), self._slots:
                connection = await self._take_connection()
                try:
                    yield connection
                except BaseException:
                    # close() would wait for a server that may be frozen, as the others may be.
                    connection.terminate()
                    self.close()
                    raise
                self._idle.append(connection)

    async def _take_connection(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        timeout = {"statement_timeout": str(round(self._timeout_seconds * 1000))}
        return await asyncpg.connect(self._url, server_settings=_SETTINGS | timeout)
