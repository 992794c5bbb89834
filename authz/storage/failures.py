"""Every way in which PostgreSQL can fail us, as one exception that the other layers know."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import asyncpg

from authz.domain.undecided import DatabaseError

_FAILURES: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that the server is just closing
)


@contextmanager
def as_database_error() -> Iterator[None]:
    """Turn a failure of the driver, the server or the time limit into a `DatabaseError`.

    Only the failure's class is kept: a driver's message can hold values or connection strings.
    """
    try:
        yield
    except _FAILURES as error:
        raise DatabaseError(type(error).__name__) from error
