"""What is refused, or read anew, because it cannot be relied on; on a real PostgreSQL."""

import asyncpg
import pytest

from authz.domain.directory import (
    AccountId,
    AccountStatus,
    BadDirectoryError,
    KeyId,
    KeyStatus,
    PepperId,
)
from authz.domain.pepper import Pepper
from authz.domain.undecided import DatabaseError
from authz.storage.directory_feed import DirectoryFeed
from tests.authz import accounts
from tests.authz.directory_feed.feeds import describe, make_feed, read
from tests.authz.doubles import contents, make_process


async def test_a_bad_row_is_refused(
    feed: DirectoryFeed, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """Even if the database lost the rule that forbids it."""
    known = await read(feed)
    await connection.execute("ALTER TABLE keys DROP CONSTRAINT keys_scopes_check")
    await connection.execute("UPDATE keys SET scopes = '{everything}'")
    with pytest.raises(BadDirectoryError):
        await read(feed, known)
    with pytest.raises(BadDirectoryError):
        await read(feed)


async def test_far_too_many_keys_are_refused(
    feed: DirectoryFeed, connection: asyncpg.Connection, account_id: AccountId, pepper: Pepper
) -> None:
    """A mistake elsewhere must not fill this process's memory."""
    for number in range(10):
        await accounts.insert_key(connection, account_id, describe(pepper, number))
    known = await read(feed)
    await accounts.insert_key(connection, account_id, describe(pepper, 10))
    for before in (None, known):
        with pytest.raises(BadDirectoryError, match="more than 10"):
            await read(feed, before)


@pytest.mark.parametrize("pruned", [0, 1])
async def test_changes_that_were_pruned_are_made_up_for(
    feed: DirectoryFeed,
    connection: asyncpg.Connection,
    account_id: AccountId,
    key_id: KeyId,
    pruned: int,
) -> None:
    """What was not told is not unchanged: everything is read anew."""
    known = await read(feed)
    await accounts.revoke_keys(connection, [key_id])
    await accounts.update_account(connection, account_id, "scale", AccountStatus.ACTIVE)
    await accounts.update_account(connection, account_id, "trial", AccountStatus.ACTIVE)
    await connection.execute(
        "DELETE FROM changes WHERE number = (SELECT number FROM changes WHERE number > $1"
        " ORDER BY number LIMIT 1 OFFSET $2)",
        known.number,
        pruned,
    )
    after = await read(feed, known)
    assert contents(after) == contents(await read(feed))
    assert after.packed.terms is not known.packed.terms


async def test_changes_that_were_pruned_and_known_are_not_missed(
    feed: DirectoryFeed, connection: asyncpg.Connection, account_id: AccountId, key_id: KeyId
) -> None:
    """Only what is known already is gone, so what is left is read."""
    known = await read(feed)
    await accounts.revoke_keys(connection, [key_id])
    await connection.execute("DELETE FROM changes WHERE number <= $1", known.number)
    after = await read(feed, known)
    assert contents(after) == contents(await read(feed))
    assert after.packed.terms is known.packed.terms


async def test_a_restored_backup_is_refused(
    feed: DirectoryFeed, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """It may have forgotten a revocation that is known here."""
    known = await read(feed)
    await connection.execute("DELETE FROM changes WHERE number = $1", known.number)
    with pytest.raises(BadDirectoryError, match="behind"):
        await read(feed, known)


async def test_a_failover_that_lost_changes_is_noticed(
    feed: DirectoryFeed, connection: asyncpg.Connection, account_id: AccountId, pepper: Pepper
) -> None:
    """As many others were made since, one of them a revocation: everything is read anew."""
    kept = await accounts.insert_key(connection, account_id, describe(pepper, 0))
    lost = await accounts.insert_key(connection, account_id, describe(pepper, 1))
    known = await read(feed)
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("DELETE FROM keys WHERE id = $1", lost)
        await connection.execute("DELETE FROM changes WHERE number = $1", known.number)
    await accounts.revoke_keys(connection, [kept])
    after = await read(feed, known)
    assert contents(after) == contents(await read(feed))
    key = after.key(kept)
    assert key is not None
    assert key.status is KeyStatus.REVOKED


async def test_another_peppers_keys_are_refused(
    migrated_url: str, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """Rather than refusing every key's holder."""
    with pytest.raises(BadDirectoryError, match="pepper"):
        await read(make_feed(migrated_url, Pepper.parse("10" * 32)))


async def test_a_revoked_key_needs_no_pepper(
    migrated_url: str, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """Or no pepper could ever be retired."""
    await accounts.revoke_keys(connection, [key_id])
    directory = await read(make_feed(migrated_url, Pepper.parse("10" * 32)))
    assert directory.key_count == 1


async def test_a_pepper_that_becomes_known_is_enough(
    migrated_url: str, connection: asyncpg.Connection, key_id: KeyId, pepper: Pepper
) -> None:
    """The next read takes what the one before refused."""
    known: set[PepperId] = set()
    feed = DirectoryFeed(migrated_url, make_process(), lambda: known, keys_max=10)
    async with feed.open() as session:
        with pytest.raises(BadDirectoryError):
            await session.read(None)
        known.add(pepper.id)
        assert (await session.read(None)).key_count == 1


async def test_a_time_beyond_the_calendar_is_refused(
    feed: DirectoryFeed, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """Not an error that ends the process."""
    known = await read(feed)
    await connection.execute("UPDATE keys SET expires_at = '20000-01-01'")
    for before in (None, known):
        with pytest.raises(BadDirectoryError):
            await read(feed, before)


async def test_an_old_schema_is_not_read(database_url: str, pepper: Pepper) -> None:
    """The process waits for the migration."""
    with pytest.raises(DatabaseError, match="run migrate"):
        await read(make_feed(database_url, pepper))


async def test_tables_cannot_be_truncated(connection: asyncpg.Connection) -> None:
    """No process would hear of it."""
    with pytest.raises(asyncpg.RaiseError):
        await connection.execute("TRUNCATE keys CASCADE")
