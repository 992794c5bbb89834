"""A few connections for short statements that requests wait for."""

import asyncio
from collections.abc import Sequence

import asyncpg

from authz.storage.failures import as_database_error


class ShortStatements:
    """Runs single statements, each within `timeout_seconds`, connecting included.

    Leaner than asyncpg's pool, which resets a connection whenever it is returned: our statements
    leave nothing behind in a session. Connects when first needed, so it can be made while
    PostgreSQL is away.
    """

    def __init__(
        self, url: str, connections: int, timeout_seconds: float, *, durable: bool = False
    ) -> None:
        """Make connections whose commits are `durable` before they are answered, or soon after."""
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[asyncpg.Connection] = []
        self._settings = {
            "application_name": "tessera-authz-charge",
            "statement_timeout": str(round(timeout_seconds * 1000)),
        }
        if not durable:
            # A crash loses a moment; nobody should wait for a disk because of that.
            self._settings["synchronous_commit"] = "off"

    async def fetch_row(self, statement: str, *arguments: object) -> asyncpg.Record:
        """Run a statement that returns one row, and commit.

        Raises:
            DatabaseError: it failed, or nobody knows whether it did.
        """
        rows = await self.fetch_rows(statement, *arguments)
        if not rows:
            raise ValueError("the statement returned no row")
        return rows[0]

    async def fetch_rows(self, statement: str, *arguments: object) -> Sequence[asyncpg.Record]:
        """Run a statement that returns any number of rows, and commit.

        Raises:
            DatabaseError: it failed, or nobody knows whether it did.
        """
        with as_database_error():
            async with asyncio.timeout(self._timeout_seconds), self._slots:
                connection = await self._take_connection()
                try:
                    rows: Sequence[asyncpg.Record] = await connection.fetch(statement, *arguments)
                except BaseException:
                    self._discard(connection)
                    raise
                self._idle.append(connection)
        return rows

    async def _take_connection(self) -> asyncpg.Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(self._url, server_settings=self._settings)

    def _discard(self, failed: asyncpg.Connection) -> None:
        """Drop every connection at once; close() would wait for a server that may be frozen."""
        for connection in (failed, *self._idle):
            connection.terminate()
        self._idle.clear()
