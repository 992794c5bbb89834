"""Follows the directory in PostgreSQL: hears of changes, reads them, tells what is applied."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from authz.domain.directory import BadDirectoryError, Delta, PepperId
from authz.domain.packed_directory import Directory
from authz.domain.process import Process
from authz.domain.undecided import DatabaseError
from authz.storage.connect import connect
from authz.storage.directory_rows import check_count, read_all, read_changes
from authz.storage.failures import as_database_error
from authz.storage.migrate import expected_version, read_version
from authz.storage.process_row import ProcessRow

_CHANNEL: Final = "tessera_changes"


class DirectoryFeed:
    """Where the directory comes from.

    `peppers` gives the names of the peppers that this process knows, now; more than `keys_max`
    keys are taken for a mistake.
    """

    def __init__(
        self,
        url: str,
        process: Process,
        peppers: Callable[[], Iterable[PepperId]],
        keys_max: int,
    ) -> None:
        self._url = url
        self._row = ProcessRow(process, peppers)
        self._peppers = peppers
        self._keys_max = keys_max

    @asynccontextmanager
    async def open(self) -> AsyncIterator["DirectorySession"]:
        """Connect and listen; only then can anything be read, so that no change falls between.

        LISTEN needs a connection of its own, straight to the server: a pooler that shares
        connections between transactions would swallow it.

        Raises:
            DatabaseError: PostgreSQL failed, or its schema is older than this code.
        """
        connection = await connect(self._url)
        try:
            await _check_schema(connection)
            heard = asyncio.Event()
            with as_database_error():
                await connection.add_listener(_CHANNEL, lambda *_: heard.set())
            yield DirectorySession(connection, heard, self._row, self._peppers, self._keys_max)
        finally:
            connection.terminate()  # close() would wait for a server that may be frozen

    @asynccontextmanager
    async def depart(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Connect, to remove this process's row by a call: it has answered its last check.

        Raises:
            DatabaseError: the row is still there, or, from the call, it is unknown whether it is.
        """
        connection = await connect(self._url)

        async def remove() -> None:
            with as_database_error():
                await self._row.leave(connection)

        try:
            yield remove
        finally:
            connection.terminate()


class DirectorySession:
    """One connection that listens."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        heard: asyncio.Event,
        row: ProcessRow,
        peppers: Callable[[], Iterable[PepperId]],
        keys_max: int,
    ) -> None:
        self._connection = connection
        self._heard = heard
        self._row = row
        self._peppers = peppers
        self._keys_max = keys_max
        self._has_told = False

    async def tell(self, number: int) -> int:
        """Tell that every change up to `number` is applied; return the newest change's number.

        The first time, that is on the server's disk before anything relies on it. What is told
        later may be lost in a crash of the server: then this process looks as if it knew less.

        Raises:
            DatabaseError: it is unknown whether that was heard.
            ReplacedError: another process has taken this one's place.
        """
        with as_database_error():
            newest = await self._row.tell(self._connection, number)
            if not self._has_told:
                await self._connection.execute("SET synchronous_commit = off")
                self._has_told = True
        return newest

    async def wait(self, seconds: float) -> bool:
        """Return whether a change was announced within `seconds`, as soon as it was."""
        try:
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        except TimeoutError:
            return False
        return True

    async def read(self, known: Directory | None) -> Directory:
        """Return the directory as it is now; `known` itself where nothing changed.

        Raises:
            BadDirectoryError: what is in the database cannot be used.
            DatabaseError: PostgreSQL failed.
        """
        self._heard.clear()  # before reading: what is announced meanwhile is read the next time
        peppers = frozenset(self._peppers())
        try:
            with as_database_error():
                if known is not None:
                    delta = await read_changes(self._connection, known.number, peppers)
                    if delta is not None:
                        return self._apply(known, delta)
                return await read_all(self._connection, peppers, self._keys_max)
        except OverflowError as error:
            raise BadDirectoryError("a time is beyond every calendar") from error

    def _apply(self, known: Directory, delta: Delta) -> Directory:
        if delta.number == known.number:
            return known
        after = known.apply(delta)
        check_count(after.key_count, self._keys_max)
        return after


async def _check_schema(connection: asyncpg.Connection) -> None:
    version, expected = await read_version(connection), expected_version()
    if version < expected:
        raise DatabaseError(f"schema is at {version} and must be at {expected}; run migrate")
