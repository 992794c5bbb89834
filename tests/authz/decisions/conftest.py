"""The tables, reached as a process that answers checks reaches them."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from authz.storage.short_statements import ShortStatements
from tests.authz.logins import ADMIN, DATA, login, login_url


@pytest.fixture
async def statements(migrated_url: str) -> ShortStatements:
    """Statements with the rights of the data plane and no more."""
    return ShortStatements(login_url(migrated_url, DATA), 1, 20)


@pytest.fixture
async def admin(migrated_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection with the rights of the control plane and no more."""
    async with login(migrated_url, ADMIN) as connection:
        yield connection
