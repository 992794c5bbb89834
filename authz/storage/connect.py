"""Connections to PostgreSQL, every one with limits on how long it can keep us waiting."""

from typing import Final

import asyncpg

from authz.storage.failures import as_database_error

_CONNECT_SECONDS: Final = 5.0
_COMMAND_SECONDS: Final = 10.0


async def connect(url: str) -> asyncpg.Connection:
    """Open one connection, for anything but charging.

    Raises:
        DatabaseError: PostgreSQL is not there, or will not have us.
    """
    with as_database_error():
        return await asyncpg.connect(
            url,
            timeout=_CONNECT_SECONDS,
            command_timeout=_COMMAND_SECONDS,
            server_settings={"application_name": "tessera-authz"},
        )
