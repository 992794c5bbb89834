"""Log-ins that are members of one role, as whoever runs the database makes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import asyncpg

DATA: Final = "tessera_data"
ADMIN: Final = "tessera_admin"

_CREATE: Final = """
    DO $$
    BEGIN
        CREATE ROLE {login} LOGIN IN ROLE {role};
    EXCEPTION WHEN duplicate_object THEN NULL;
    END $$
"""


async def login_url(url: str, role: str) -> str:
    """Return the connection string of a log-in that has this role and nothing else."""
    login = f"login_of_{role}"
    connection = await asyncpg.connect(url)
    await connection.execute(_CREATE.format(login=login, role=role))
    connection.terminate()
    parts = urlsplit(url)
    options = dict(pair.split("=", 1) for pair in parts.query.split("&")) | {"user": login}
    return urlunsplit(parts._replace(query=urlencode(options, safe="/")))


@asynccontextmanager
async def login(url: str, role: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect as such a log-in."""
    connection = await asyncpg.connect(await login_url(url, role))
    try:
        yield connection
    finally:
        connection.terminate()
