"""The control plane's connections: few, and none that can keep anything waiting for long."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from authz.domain.undecided import DatabaseError
from authz.storage.failures import as_database_error

CONNECTIONS: Final = 16
ACQUIRE_SECONDS: Final = 5.0
_CONNECT_SECONDS: Final = 5.0
_COMMAND_SECONDS: Final = 15.0
_CLOSE_SECONDS: Final = 5.0
_SETTINGS: Final = {
    "application_name": "tessera-admin",
    "statement_timeout": "10s",
    # Whoever waits for the directory's lock this long had better be told so.
    "lock_timeout": "8s",
    # A process that froze in a transaction must not keep the lock from the others.
    "idle_in_transaction_session_timeout": "5s",
    # Filters are optional, and a plan made for all of them is good for none.
    "plan_cache_mode": "force_custom_plan",
}


@asynccontextmanager
async def open_pool(url: str, connections: int = CONNECTIONS) -> AsyncIterator[asyncpg.Pool]:
    """Open connections as they are needed, so that this works while PostgreSQL is away.

    Raises:
        DatabaseError: the connection string makes no sense.
    """
    with as_database_error():
        pool = await asyncpg.create_pool(
            url,
            min_size=0,
            max_size=connections,
            timeout=_CONNECT_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            server_settings=_SETTINGS,
        )
    try:
        yield pool
    finally:
        await _close(pool)


async def _close(pool: asyncpg.Pool) -> None:
    try:
        with as_database_error():
            await asyncio.wait_for(pool.close(), _CLOSE_SECONDS)
    except DatabaseError:
        pool.terminate()
