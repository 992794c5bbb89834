"""Log-ins that are members of one role, as whoever runs the database makes them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlencode, urlsplit, urlunsplit

import asyncpg

DATA: Final = "tessera_data"
ADMIN: Final = "tessera_admin"

_CREATE: Final = "CREATE ROLE {0} LOGIN IN ROLE {1}"


async def make_logins(connection: asyncpg.Connection) -> None:
    """Make the log-ins of a server, on which the schema is somewhere."""
    for role in (DATA, ADMIN):
        await connection.execute(_CREATE.format(_login_of(role), role))


def login_url(url: str, role: str) -> str:
    """Return the connection string of the log-in that has this role and nothing else."""
    parts = urlsplit(url)
    options = dict(pair.split("=", 1) for pair in parts.query.split("&"))
    options["user"] = _login_of(role)
    return urlunsplit(parts._replace(query=urlencode(options, safe="/")))


@asynccontextmanager
async def login(url: str, role: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect as such a log-in."""
    connection = await asyncpg.connect(login_url(url, role))
    try:
        yield connection
    finally:
        connection.terminate()


def _login_of(role: str) -> str:
    return f"login_of_{role}"
