"""The history of who was on which tier."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from authz.storage.migrate import read_migrations
from tests.authz.invoices.books import MONTH, Books

_HISTORY = "SELECT tier, closed FROM account_tiers WHERE account_id = $1 ORDER BY since"
_UPDATE = "UPDATE accounts SET {change}"
_FIRST = 10
"""The migration that made it."""


async def _history(connection: asyncpg.Connection, account_id: object) -> list[tuple[str, bool]]:
    rows = await connection.fetch(_HISTORY, account_id)
    return [(row["tier"], row["closed"]) for row in rows]


async def test_every_change_of_a_tier_is_noted(books: Books) -> None:
    """And the end of an account; a name or a suspension is not."""
    account = await books.open_account()
    for change in (
        "tier = 'scale'",
        "name = 'renamed'",
        "status = 'suspended'",
        "tier = 'scale'",
        "status = 'closed'",
    ):
        await books.connection.execute(_UPDATE.format(change=change))
    assert await _history(books.connection, account) == [
        ("standard", False),
        ("scale", False),
        ("scale", True),
    ]


async def test_two_changes_at_once_are_in_order(books: Books) -> None:
    """In one transaction, and where the clock goes back: the last one counts."""
    account = await books.open_account()
    ahead = "UPDATE account_tiers SET since = now() + interval '1 day'"
    await books.connection.execute(ahead)
    async with books.connection.transaction():
        await books.connection.execute("UPDATE accounts SET tier = 'scale'")
        await books.connection.execute("UPDATE accounts SET tier = 'trial'")
    assert await _history(books.connection, account) == [
        ("standard", False),
        ("scale", False),
        ("trial", False),
    ]


@pytest.fixture
async def older(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A database of the release before."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("CREATE TABLE schema_migrations (number integer)")
    for migration in read_migrations()[: _FIRST - 1]:
        await connection.execute(migration.sql)
    yield connection
    connection.terminate()


async def test_who_was_there_before_is_in_it_since_they_were_made(
    older: asyncpg.Connection,
) -> None:
    """On the tier that they are on; who was closed already was never billed, and never is."""
    insert = """
        INSERT INTO accounts (id, name, tier, status, created_at)
        SELECT gen_random_uuid(), status, 'scale', status, $1
          FROM unnest('{active,suspended,closed}'::text[]) AS status
    """
    await older.execute(insert, MONTH.start)
    await older.execute(read_migrations()[_FIRST - 1].sql)
    rows = await older.fetch(
        "SELECT name, account_tiers.tier, since, closed FROM account_tiers"
        " JOIN accounts ON id = account_id ORDER BY name"
    )
    assert [tuple(row) for row in rows] == [
        ("active", "scale", MONTH.start, False),
        ("closed", "scale", MONTH.start, True),
        ("suspended", "scale", MONTH.start, False),
    ]
