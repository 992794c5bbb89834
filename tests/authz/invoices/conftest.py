"""Books on one database for all tests here, with the rights of the control plane and no more."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from stack.postgres import Postgres
from tests.authz.invoices.books import Books, keep_books
from tests.authz.logins import ADMIN, login_url

_DATABASE: Final = "invoices"

_PUT_BACK: Final = """
    SET session_replication_role = replica;
    DELETE FROM invoice_lines; DELETE FROM invoices; DELETE FROM prices;
    DELETE FROM account_tiers; DELETE FROM accounts; DELETE FROM changes;
    DELETE FROM usage_hours; DELETE FROM audit; DELETE FROM audit_head;
"""


@pytest.fixture(scope="session")
def shared_url(postgres_server: Postgres, postgres_url: str, template: str) -> str:
    """One migrated database for all tests here: to make one takes longer than most of them."""

    async def make() -> str:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute(f'CREATE DATABASE "{_DATABASE}" TEMPLATE "{template}"')
        await connection.close()
        return postgres_server.url(_DATABASE)

    return asyncio.run(make())


@pytest.fixture
async def migrated_url(shared_url: str) -> str:
    """The connection string of that database, without accounts, prices and usage."""
    connection = await asyncpg.connect(shared_url)
    await connection.execute(_PUT_BACK)
    await connection.close()
    return shared_url


@pytest.fixture
async def admin_url(migrated_url: str) -> str:
    """The connection string of a log-in that is a member of `tessera_admin`."""
    return await login_url(migrated_url, ADMIN)


@pytest.fixture
async def books(
    admin_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> AsyncIterator[Books]:
    """The services of one admin process."""
    async with keep_books(admin_url, connection, tmp_path / "head") as books:
        yield books


@pytest.fixture
async def other_books(
    admin_url: str, connection: asyncpg.Connection, tmp_path: Path
) -> AsyncIterator[Books]:
    """The services of another admin process."""
    async with keep_books(admin_url, connection, tmp_path / "other-head") as books:
        yield books
