"""Every way in which PostgreSQL can fail us, as one exception that the other layers know."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from authz.domain.undecided import DatabaseError, DatabaseSlowError

_SLOW: Final = (TimeoutError, asyncpg.QueryCanceledError)
_FAILURES: Final = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that the server is just closing
)


@contextmanager
def as_database_error() -> Iterator[None]:
    """Turn a failure of the driver, the server or the time limit into a `DatabaseError`.

    That of the time limit, by whichever side, is a `DatabaseSlowError`. Only the
    failure's class is kept: a driver's message can hold values or connection strings.
    """
    try:
        yield
    except _FAILURES as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            # Cleaning up on a dead connection failed, and hid that the task is to end.
            raise asyncio.CancelledError from error
        kind = DatabaseSlowError if isinstance(error, _SLOW) else DatabaseError
        raise kind(type(error).__name__) from error
