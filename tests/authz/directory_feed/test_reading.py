"""Reading the directory and hearing of changes, on a real PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from authz.domain.directory import (
    AccountId,
    AccountStatus,
    Endpoint,
    KeyId,
    KeyStatus,
)
from authz.domain.pepper import Pepper
from authz.storage.directory_feed import DirectoryFeed
from tests.authz import accounts
from tests.authz.directory_feed.feeds import EXPIRY, describe, make_feed, read
from tests.authz.doubles import contents, key_text, make_process


async def test_the_whole_directory_is_read(
    feed: DirectoryFeed, account_id: AccountId, key_id: KeyId, pepper: Pepper
) -> None:
    """A key as it was stored, its account, and the tier that the account is on."""
    holder = (await read(feed)).find(pepper.digest_key(key_text()), (pepper.id,))
    assert holder is not None
    assert (holder.key.id, holder.account.id) == (key_id, account_id)
    assert holder.key.scopes == {Endpoint.EMBEDDINGS}
    assert holder.key.expires_at == EXPIRY
    assert holder.tier.name == "trial"


async def test_nothing_new_is_the_same_directory(feed: DirectoryFeed, key_id: KeyId) -> None:
    """A poll costs one small statement."""
    known = await read(feed)
    assert await read(feed, known) is known


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


async def _fence_in(connection: asyncpg.Connection, _: AccountId, key_id: KeyId) -> None:
    statement = "UPDATE keys SET networks = '{10.0.0.0/8,2001:db8::/32}' WHERE id = $1"
    await connection.execute(statement, key_id)


async def _limit(connection: asyncpg.Connection, _: AccountId, key_id: KeyId) -> None:
    await connection.execute("UPDATE keys SET requests_per_minute = 7 WHERE id = $1", key_id)


async def _limit_tokens(connection: asyncpg.Connection, _: AccountId, key_id: KeyId) -> None:
    await connection.execute("UPDATE keys SET tokens_per_minute = 7 WHERE id = $1", key_id)


async def _only_watch(connection: asyncpg.Connection, _: AccountId, __: KeyId) -> None:
    await connection.execute("UPDATE tiers SET enforcement = 'shadow' WHERE name = 'trial'")


async def _wrap(connection: asyncpg.Connection, _: AccountId, key_id: KeyId) -> None:
    statement = "UPDATE keys SET wrapped_under = '{5e5e5e5e}', digest = $2 WHERE id = $1"
    # Revoked as well: this process does not know the pepper.
    await accounts.revoke_keys(connection, [key_id])
    await connection.execute(statement, key_id, bytes(32))


async def _let_live_for_ever(connection: asyncpg.Connection, _: AccountId, key_id: KeyId) -> None:
    await connection.execute("UPDATE keys SET expires_at = 'infinity' WHERE id = $1", key_id)


async def _add_another(connection: asyncpg.Connection, account_id: AccountId, _: KeyId) -> None:
    other = await accounts.ensure_account(connection, "other", "standard")
    await accounts.insert_key(connection, other, describe(Pepper.parse("5e" * 32), 1))


_CHANGES = (
    *(_revoke, _suspend, _change_tier, _shorten, _delete, _fence_in, _wrap, _let_live_for_ever),
    *(_add_another, _limit, _limit_tokens, _only_watch),
)


@pytest.mark.parametrize("change", _CHANGES)
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
        await change(connection, account_id, key_id)
        async with asyncio.timeout(20):
            assert await session.wait(60)
        after = await session.read(known)
    assert contents(after) != contents(known)
    assert contents(after) == contents(await read(feed))


async def test_a_change_that_was_read_is_forgotten(
    feed: DirectoryFeed, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """Or an announcement would bring the reader back for ever."""
    async with feed.open() as session:
        known = await session.read(None)
        await accounts.revoke_keys(connection, [key_id])
        async with asyncio.timeout(20):
            assert await session.wait(60)
        await session.read(known)
        assert not await session.wait(0)


async def test_a_used_key_is_no_change(
    feed: DirectoryFeed, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """Or every request would wake every process."""
    known = await read(feed)
    await connection.execute("INSERT INTO key_uses VALUES ($1, now())", key_id)
    assert await read(feed, known) is known


async def test_revoking_one_key_changes_no_other(
    feed: DirectoryFeed, connection: asyncpg.Connection, account_id: AccountId, pepper: Pepper
) -> None:
    """Row by row."""
    ids = [
        await accounts.insert_key(connection, account_id, describe(pepper, n)) for n in (0, 1, 2)
    ]
    await accounts.revoke_keys(connection, [ids[1]])
    stored = {key.id: key for key in (await read(feed)).every_key()}
    assert {stored[id_].status for id_ in (ids[0], ids[2])} == {KeyStatus.ACTIVE}
    assert stored[ids[1]].status is KeyStatus.REVOKED


async def test_revoking_nothing_revokes_nothing(
    feed: DirectoryFeed, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """An empty filter is not every key."""
    await accounts.revoke_keys(connection, [])
    key = (await read(feed)).key(key_id)
    assert key is not None
    assert key.status is KeyStatus.ACTIVE


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
            accounts.insert_key(writer, account_id, describe(pepper, n))
            for n, writer in enumerate(writers)
        )
    )
    watching.cancel()
    await asyncio.wait([watching])
    for connection in (*writers, reader):
        connection.terminate()
    assert all(numbers == seen[-1][: len(numbers)] for numbers in seen)


async def test_too_many_changes_are_read_as_a_whole(
    feed: DirectoryFeed, connection: asyncpg.Connection, key_id: KeyId
) -> None:
    """Rather than as one answer that fills the memory."""
    known = await read(feed)
    await connection.execute(
        "INSERT INTO changes (number, follows, kind, subject)"
        " SELECT $1::bigint + n, $1 + n - 1, 'tier', 'trial' FROM generate_series(1, 10001) AS n",
        known.number,
    )
    after = await read(feed, known)
    assert after.number == known.number + 10_001
    assert after.packed.terms is not known.packed.terms


async def test_checks_go_on_while_the_whole_directory_is_read(
    migrated_url: str, connection: asyncpg.Connection, account_id: AccountId, pepper: Pepper
) -> None:
    """Piece by piece, with a turn for everybody else in between."""
    await connection.execute(
        """
        INSERT INTO keys (id, account_id, name, environment, scopes, pepper_id, digest, prefix,
                          last_four)
             SELECT gen_random_uuid(), $1, 'key', 'dev', '{}', $2, sha256(n::text::bytea), '',
                    'last'
               FROM generate_series(1, 3500) AS n
        """,
        account_id,
        pepper.id,
    )
    feed = DirectoryFeed(migrated_url, make_process(), lambda: [pepper.id], keys_max=5000)
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with feed.open() as session:
        others = asyncio.create_task(take_turns())
        directory = await session.read(None)
        others.cancel()
    assert directory.key_count == 3500
    assert turns >= 4


async def test_the_data_planes_role_is_enough(
    migrated_url: str, connection: asyncpg.Connection, key_id: KeyId, pepper: Pepper
) -> None:
    """To read everything and what changed, to tell, and to leave."""
    await connection.execute("CREATE ROLE following LOGIN IN ROLE tessera_data")
    try:
        feed = make_feed(f"{migrated_url}&user=following", pepper)
        async with feed.open() as session:
            known = await session.read(None)
            await session.tell(known.number)
            await accounts.revoke_keys(connection, [key_id])
            assert (await session.read(known)).number > known.number
        async with feed.depart() as leave:
            await leave()
    finally:
        await connection.execute("DROP ROLE following")
