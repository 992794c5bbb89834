"""Reading the directory and hearing of changes, on a real PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import asyncpg
import pytest

from authz.domain.directory import (
    AccountId,
    AccountStatus,
    BadDirectoryError,
    Directory,
    Endpoint,
    KeyId,
    KeyStatus,
)
from authz.domain.new_key import NewKey
from authz.domain.pepper import Pepper
from authz.domain.undecided import DatabaseError
from authz.storage import accounts
from authz.storage.directory_feed import DirectoryFeed
from tests.authz.doubles import key_text

_EXPIRY = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def feed(migrated_url: str, pepper: Pepper) -> DirectoryFeed:
    """The feed of the test's own database."""
    return DirectoryFeed(migrated_url, pepper.id, keys_max=10)


@pytest.fixture
async def account_id(connection: asyncpg.Connection) -> AccountId:
    """An account on the trial tier."""
    return await accounts.ensure_account(connection, "acme", "trial")


def _describe(pepper: Pepper, number: int = 0) -> NewKey:
    return NewKey.describe(
        key_text(number),
        pepper,
        name=f"key {number}",
        environment="dev",
        scopes={Endpoint.EMBEDDINGS},
        expires_at=_EXPIRY,
    )


@pytest.fixture
async def key_id(connection: asyncpg.Connection, account_id: AccountId, pepper: Pepper) -> KeyId:
    """A key of that account."""
    return await accounts.insert_key(connection, account_id, _describe(pepper))


async def _read(feed: DirectoryFeed, known: Directory | None = None) -> Directory:
    async with feed.open() as session:
        return await session.read(known)


async def test_the_whole_directory_is_read(
    feed: DirectoryFeed, account_id: AccountId, key_id: KeyId, pepper: Pepper
) -> None:
    """A key as it was stored, its account, and the tier that the account is on."""
    holder = (await _read(feed)).find(pepper.digest_key(key_text()))
    assert holder is not None
    assert (holder.key.id, holder.account.id) == (key_id, account_id)
    assert holder.key.scopes == {Endpoint.EMBEDDINGS}
    assert holder.key.expires_at == _EXPIRY
    assert holder.tier.name == "trial"


async def test_nothing_new_is_the_same_directory(feed: DirectoryFeed, key_id: KeyId) -> None:
    """A poll costs one small statement."""
    known = await _read(feed)
    assert await _read(feed, known) is known


Change = Callable[[asyncpg.Connection, AccountId, KeyId], Awaitable[object]]


async def _revoke(connection: asyncpg.Connection, _: AccountId, key_id: KeyId) -> None:
    await accounts.revoke_keys(connection, [key_id])


async def _suspend(connection: asyncpg.Connection, account_id: AccountId, _: KeyId) -> None:
    await accounts.update_account(connection, account_id, "trial", AccountStatus.SUSPENDED)


async def _change_tier(connection: asyncpg.Connection, _: AccountId, __: KeyId) -> None:
    await connection.execute("UPDATE tiers SET requests_per_minute = 7 WHERE name = 'trial'")


async def _shorten(connection: asyncpg.Connection, _: AccountId, key_id: KeyId) -> None:
    await connection.execute("UPDATE keys SET expires_at = now() WHERE id = $1", key_id)


async def _delete(connection: asyncpg.Connection, _: AccountId, key_id: KeyId) -> None:
    await connection.execute("DELETE FROM keys WHERE id = $1", key_id)


@pytest.mark.parametrize("change", [_revoke, _suspend, _change_tier, _shorten, _delete])
async def test_every_change_is_announced_and_read(
    feed: DirectoryFeed,
    connection: asyncpg.Connection,
    account_id: AccountId,
    key_id: KeyId,
    change: Change,
) -> None:
    """By whatever path it was made: what was read in parts equals what is read anew."""
    async with feed.open() as session:
        known = await session.read(None)
        await session.wait(0)  # forget what was announced before
        await change(connection, account_id, key_id)
        async with asyncio.timeout(20):
            await session.wait(60)
        after = await session.read(known)
    assert after != known
    assert after == await _read(feed)


async def test_a_used_key_is_no_change(
    feed: DirectoryFeed, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """Or every request would wake every process."""
    known = await _read(feed)
    await connection.execute("UPDATE keys SET last_used_at = now() WHERE id = $1", key_id)
    assert await _read(feed, known) is known


async def test_revoking_one_key_changes_no_other(
    feed: DirectoryFeed, connection: asyncpg.Connection, account_id: AccountId, pepper: Pepper
) -> None:
    """Row by row."""
    ids = [
        await accounts.insert_key(connection, account_id, _describe(pepper, n)) for n in (0, 1, 2)
    ]
    await accounts.revoke_keys(connection, [ids[1]])
    stored = (await _read(feed)).keys
    assert {stored[id_].status for id_ in (ids[0], ids[2])} == {KeyStatus.ACTIVE}
    assert stored[ids[1]].status is KeyStatus.REVOKED


async def test_revoking_nothing_revokes_nothing(
    feed: DirectoryFeed, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """An empty filter is not every key."""
    await accounts.revoke_keys(connection, [])
    assert (await _read(feed)).keys[key_id].status is KeyStatus.ACTIVE


async def test_change_numbers_commit_in_order(
    migrated_url: str, account_id: AccountId, pepper: Pepper
) -> None:
    """Whoever has seen number n has missed nothing up to n, however many write at once."""
    writers = [await asyncpg.connect(migrated_url) for _ in range(8)]
    reader = await asyncpg.connect(migrated_url)
    seen: list[list[int]] = []

    async def watch() -> None:
        while True:
            rows = await reader.fetch("SELECT number FROM changes ORDER BY number")
            seen.append([row["number"] for row in rows])

    watching = asyncio.create_task(watch())
    await asyncio.gather(
        *(
            accounts.insert_key(writer, account_id, _describe(pepper, n))
            for n, writer in enumerate(writers)
        )
    )
    watching.cancel()
    await asyncio.wait([watching])
    for connection in (*writers, reader):
        connection.terminate()
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in seen)


async def test_a_bad_row_is_refused(
    feed: DirectoryFeed, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """Even if the database lost the rule that forbids it."""
    known = await _read(feed)
    await connection.execute("ALTER TABLE keys DROP CONSTRAINT keys_scopes_check")
    await connection.execute("UPDATE keys SET scopes = '{everything}'")
    with pytest.raises(BadDirectoryError):
        await _read(feed, known)
    with pytest.raises(BadDirectoryError):
        await _read(feed)


async def test_far_too_many_keys_are_refused(
    feed: DirectoryFeed, connection: asyncpg.Connection, account_id: AccountId, pepper: Pepper
) -> None:
    """A mistake elsewhere must not fill this process's memory."""
    for number in range(11):
        await accounts.insert_key(connection, account_id, _describe(pepper, number))
    with pytest.raises(BadDirectoryError, match="more than 10"):
        await _read(feed)


async def test_a_restored_backup_is_refused(
    feed: DirectoryFeed, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """It may have forgotten a revocation that is known here."""
    known = await _read(feed)
    await connection.execute("DELETE FROM changes WHERE number = $1", known.number)
    with pytest.raises(BadDirectoryError, match="behind"):
        await _read(feed, known)


async def test_another_peppers_keys_are_refused(
    migrated_url: str, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """Rather than refusing every key's holder."""
    feed = DirectoryFeed(migrated_url, Pepper.parse("10" * 32).id, keys_max=10)
    with pytest.raises(BadDirectoryError, match="pepper"):
        await _read(feed)


async def test_an_old_schema_is_not_read(database_url: str, pepper: Pepper) -> None:
    """The process waits for the migration."""
    with pytest.raises(DatabaseError, match="run migrate"):
        await _read(DirectoryFeed(database_url, pepper.id, keys_max=10))


async def test_tables_cannot_be_truncated(connection: asyncpg.Connection) -> None:
    """No process would hear of it."""
    with pytest.raises(asyncpg.RaiseError):
        await connection.execute("TRUNCATE keys")
