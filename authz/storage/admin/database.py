"""The control plane's database, in the words of its services."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Final, TypeVar

import asyncpg
import structlog

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit_chain import Head
from authz.domain.administration.refusals import BusyError, PreconditionError
from authz.domain.pepper import Peppers
from authz.domain.undecided import DatabaseError
from authz.storage.admin.audited_change import Replay, Work, make_change
from authz.storage.admin.head_file import BadHeadFileError, HeadFile
from authz.storage.admin.pool import ACQUIRE_SECONDS
from authz.storage.admin.tables import Tables
from authz.storage.failures import as_database_error

T = TypeVar("T")

_LOST: Final = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)

_log = structlog.get_logger()


class Database:
    """A pool of connections, and what guards the audit. Methods raise `DatabaseError`."""

    def __init__(
        self, pool: asyncpg.Pool, peppers: Callable[[], Peppers], head_file: HeadFile
    ) -> None:
        self._pool = pool
        self._peppers = peppers
        self._head_file = head_file

    async def change(self, request: ChangeRequest, work: Work[T], replay: Replay[T]) -> T:
        """Make a change, as `make_change` does it, and remember the audit's new end.

        A connection that is lost leaves it unknown whether the change was committed. The request's
        id tells, so it is tried once more.
        """
        try:
            return await self._change(request, work, replay)
        except DatabaseError as error:
            if not isinstance(error.__cause__, _LOST) or isinstance(error.__cause__, TimeoutError):
                raise
            _log.warning("change.repeated", method=request.method, failure=str(error))
            return await self._change(request, work, replay)

    async def _change(self, request: ChangeRequest, work: Work[T], replay: Replay[T]) -> T:
        remembered = self.recall_head()
        with as_database_error():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                value, head = await make_change(
                    connection, self._peppers(), remembered, request, work, replay
                )
        if head is not None:
            await self.remember_head(head)
        return value

    def recall_head(self) -> Head | None:
        """Return the end of the audit that was seen here last.

        Raises:
            PreconditionError: it cannot be read, so that an audit cut short would not show.
        """
        try:
            return self._head_file.recall()
        except BadHeadFileError as error:
            raise PreconditionError("audit", "head", str(error)) from None
        except OSError as error:
            sentence = f"{error.filename} (AUTHZ_AUDIT_HEAD_FILE) cannot be read: {error.strerror}."
            raise PreconditionError("audit", "head", sentence) from None

    async def remember_head(self, head: Head) -> None:
        """Keep an end that was seen; what was committed stays so if that fails."""
        try:
            await asyncio.to_thread(self._head_file.remember, head)
        except (BadHeadFileError, OSError) as error:
            _log.error("audit_head.lost", number=head.number, why=str(error))

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Tables]:
        """Give tables in which every statement stands for itself."""
        with as_database_error():
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                yield Tables(connection)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Tables]:
        """Give tables as they are at one moment, to read from."""
        with as_database_error():
            async with (
                self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield Tables(connection)

    @asynccontextmanager
    async def maintenance(self) -> AsyncIterator[Tables]:
        """Give tables for one transaction that no audit tells of.

        For what changes how something is kept, never what anybody may do.
        """
        with as_database_error():
            async with (
                self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
                connection.transaction(),
            ):
                yield Tables(connection)

    @asynccontextmanager
    async def alone(self, *names: str) -> AsyncIterator[None]:
        """Let no other process, nor another task of this one, be here under one of these names.

        Holds a connection and no transaction, so it may take long. A process that dies leaves.

        Raises:
            BusyError: another one is here.
        """
        async with AsyncExitStack() as stack:
            with as_database_error():
                connection = await self._pool.acquire(timeout=ACQUIRE_SECONDS)
                stack.push_async_callback(self._release, connection)
                for name in sorted(names):
                    if not await connection.fetchval(_TRY_LOCK, f"tessera.{name}"):
                        raise BusyError("The same is under way already; try again shortly.")
            yield

    async def _release(self, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        # The pool lets go of a session's locks; where it cannot, the server has.
        with suppress(DatabaseError), as_database_error():
            await self._pool.release(connection)


_TRY_LOCK: Final = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
