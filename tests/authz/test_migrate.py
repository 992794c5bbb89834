"""Bringing the schema up to date, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from authz.domain.undecided import DatabaseError
from authz.storage import migrate as module
from authz.storage.connect import connect
from authz.storage.migrate import (
    ChangedMigrationError,
    expected_version,
    migrate,
    read_migrations,
    read_version,
)


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database without a schema."""
    connection = await asyncpg.connect(database_url)
    yield connection
    connection.terminate()


def test_migrations_are_numbered_without_gaps() -> None:
    """Two branches that took one number are noticed."""
    numbers = [migration.number for migration in read_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_an_empty_database_has_version_0(empty: asyncpg.Connection) -> None:
    """It is no error to ask too early."""
    assert await read_version(empty) == 0


async def test_migrating_twice_changes_nothing(empty: asyncpg.Connection) -> None:
    """Every deploy runs it."""
    assert await migrate(empty) == read_migrations()
    assert await migrate(empty) == []
    assert await read_version(empty) == expected_version()


async def test_two_at_once_apply_each_migration_once(database_url: str) -> None:
    """Every replica may run it when it starts."""
    connections = [await asyncpg.connect(database_url) for _ in range(4)]
    try:
        applied = await asyncio.gather(*(migrate(connection) for connection in connections))
    finally:
        for connection in connections:
            connection.terminate()
    assert sorted(map(len, applied)) == [0, 0, 0, len(read_migrations())]


async def test_an_edited_migration_is_refused(empty: asyncpg.Connection) -> None:
    """Databases that ran the old text would differ from those that run the new."""
    await migrate(empty)
    await empty.execute("UPDATE schema_migrations SET checksum = 'other' WHERE number = 2")
    with pytest.raises(ChangedMigrationError, match="0002"):
        await migrate(empty)


async def test_a_newer_database_is_left_alone(empty: asyncpg.Connection) -> None:
    """The previous release goes on while the next is rolled out."""
    await migrate(empty)
    await empty.execute("INSERT INTO schema_migrations VALUES (9999, 'next', 'x')")
    assert await migrate(empty) == []
    assert await read_version(empty) == 9999


async def test_a_failing_migration_leaves_nothing_behind(
    empty: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All or nothing."""
    broken = module.Migration(9998, "9998_broken.sql", "CREATE TABLE half (); SELECT 1 / 0")
    monkeypatch.setattr(module, "read_migrations", lambda: [*read_migrations(), broken])
    with pytest.raises(DatabaseError):
        await migrate(empty)
    assert await read_version(empty) == 0
    assert await empty.fetchval("SELECT to_regclass('half') IS NULL")


async def test_the_seeded_tiers_grow(connection: asyncpg.Connection) -> None:
    """Each has more of everything than the one before."""
    rows = await connection.fetch(
        "SELECT name, requests_per_minute, tokens_per_minute, tokens_per_month, items_max"
        "  FROM tiers ORDER BY requests_per_minute"
    )
    assert [row["name"] for row in rows] == ["trial", "standard", "scale", "dedicated"]
    for column in ("tokens_per_minute", "tokens_per_month", "items_max"):
        values = [row[column] for row in rows]
        assert values == sorted(values)


async def test_no_database_is_a_database_error(tmp_path: object) -> None:
    """One kind of failure, whatever the driver calls it, and no connection string in it."""
    with pytest.raises(DatabaseError) as raised:
        await connect(f"postgresql:///x?host={tmp_path}&password=hush")
    assert "hush" not in str(raised.value)
