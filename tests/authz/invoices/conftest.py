"""Books, kept with the rights of the control plane and no more."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.authz.invoices.books import Books, keep_books
from tests.authz.shared_database import SharedDatabase


@pytest.fixture
async def migrated_url(shared_database: SharedDatabase) -> str:
    """The connection string of a database that all tests here share, as new."""
    return await shared_database.as_kept()


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
