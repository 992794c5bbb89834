"""What the data plane writes about keys, as a log-in that may write nothing else of them."""

import asyncio
from datetime import datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from authz.domain.directory import KeyId
from authz.domain.new_key import NewKey
from authz.domain.pepper import KeyDigests, Pepper, Peppers
from authz.domain.rehash import Rehash
from authz.storage.key_rehashes import KeyRehashTable
from authz.storage.key_uses import KeyUseTable
from authz.storage.short_statements import ShortStatements
from tests.authz import accounts
from tests.authz.doubles import NOW, key_text
from tests.authz.logins import DATA, login_url

_PEPPERS = Peppers.parse("5e" * 32 + "\n" + "10" * 32)
_CHAIN = _PEPPERS.ids


@pytest.fixture
async def key_ids(connection: asyncpg.Connection, pepper: Pepper) -> list[KeyId]:
    """Three keys."""
    account = await accounts.ensure_account(connection, "acme", "standard")
    keys = [
        NewKey.describe(key_text(number), pepper, name="test", environment="dev")
        for number in range(3)
    ]
    return [await accounts.insert_key(connection, account, key) for key in keys]


@pytest.fixture
async def statements(migrated_url: str) -> ShortStatements:
    """Statements as the data plane's role."""
    return ShortStatements(login_url(migrated_url, DATA), 2, 5.0)


@pytest.fixture
def uses(statements: ShortStatements) -> KeyUseTable:
    """The table of uses."""
    return KeyUseTable(statements)


@pytest.fixture
def rehashes(statements: ShortStatements) -> KeyRehashTable:
    """The table of proposals."""
    return KeyRehashTable(statements)


async def _last_uses(connection: asyncpg.Connection) -> dict[KeyId, datetime]:
    rows = await connection.fetch("SELECT key_id, last_used_at FROM key_uses")
    return {KeyId(row["key_id"]): row["last_used_at"] for row in rows}


async def test_the_latest_use_is_kept(
    connection: asyncpg.Connection, uses: KeyUseTable, key_ids: list[KeyId]
) -> None:
    """In whatever order processes tell."""
    one, other, _ = key_ids
    await uses.write({one: NOW, other: NOW})
    await uses.write({one: NOW - timedelta(hours=1), other: NOW + timedelta(hours=1)})
    assert await _last_uses(connection) == {one: NOW, other: NOW + timedelta(hours=1)}


async def test_a_key_that_is_gone_does_not_stop_the_others(
    connection: asyncpg.Connection, uses: KeyUseTable, key_ids: list[KeyId]
) -> None:
    """It was deleted between its use and the write."""
    one, other, _ = key_ids
    await connection.execute("DELETE FROM keys WHERE id = $1", other)
    await uses.write({one: NOW, other: NOW, KeyId(uuid4()): NOW})
    assert await _last_uses(connection) == {one: NOW}


async def test_many_writers_do_not_stop_each_other(
    connection: asyncpg.Connection, migrated_url: str, key_ids: list[KeyId]
) -> None:
    """Each writes the same keys at the same time, again and again."""
    url = login_url(migrated_url, DATA)
    tables = [KeyUseTable(ShortStatements(url, 1, 5.0)) for _ in range(8)]
    batch = sorted(key_ids)
    for second in range(5):
        at = NOW + timedelta(seconds=second)
        await asyncio.gather(*(table.write(dict.fromkeys(batch, at)) for table in tables))
    assert await _last_uses(connection) == dict.fromkeys(key_ids, NOW + timedelta(seconds=4))


async def test_a_use_announces_nothing(
    connection: asyncpg.Connection, uses: KeyUseTable, key_ids: list[KeyId]
) -> None:
    """A commit with NOTIFY takes a lock that all writers share."""
    before = await connection.fetchval("SELECT max(number) FROM changes")
    await uses.write(dict.fromkeys(sorted(key_ids), NOW))
    assert await connection.fetchval("SELECT max(number) FROM changes") == before


def _rehash(key_id: KeyId, number: int) -> Rehash:
    digests = KeyDigests(key_text(number), _PEPPERS)
    old, new = _CHAIN
    return Rehash(key_id, digests.under(_CHAIN), digests.under((old,)), new, digests.under((new,)))


@pytest.fixture
async def wrapped(connection: asyncpg.Connection, key_ids: list[KeyId]) -> list[KeyId]:
    """The keys, after a rotation of the pepper."""
    for number, key_id in enumerate(key_ids):
        await connection.execute(
            "UPDATE keys SET digest = $2, wrapped_under = $3 WHERE id = $1",
            *(key_id, _PEPPERS.digest_key(key_text(number), _CHAIN), [_CHAIN[1]]),
        )
    return key_ids


async def _proposals(connection: asyncpg.Connection) -> list[tuple[object, ...]]:
    rows = await connection.fetch(
        "SELECT key_id, inner_digest, pepper_id, digest FROM key_rehashes ORDER BY key_id"
    )
    return [tuple(row) for row in rows]


async def test_a_proposal_proves_that_the_key_was_seen(
    connection: asyncpg.Connection, rehashes: KeyRehashTable, wrapped: list[KeyId]
) -> None:
    """The row's digest is the wrap of the inner one, and the new one needs one pepper."""
    await rehashes.propose({wrapped[0]: _rehash(wrapped[0], 0)})
    [(key_id, inner, pepper_id, digest)] = await _proposals(connection)
    assert (key_id, pepper_id) == (wrapped[0], _CHAIN[1])
    assert isinstance(inner, bytes)
    stored = await connection.fetchval("SELECT digest FROM keys WHERE id = $1", wrapped[0])
    assert _PEPPERS.wrap(inner, _CHAIN[1]) == stored
    assert digest == _PEPPERS.digest_key(key_text(0), (_CHAIN[1],))


async def test_proposing_again_changes_nothing(
    connection: asyncpg.Connection, rehashes: KeyRehashTable, wrapped: list[KeyId]
) -> None:
    """Each process proposes on its own."""
    batch = {key_id: _rehash(key_id, number) for number, key_id in enumerate(wrapped)}
    await rehashes.propose(batch)
    first = await _proposals(connection)
    await rehashes.propose(batch)
    assert await _proposals(connection) == first
    assert len(first) == 3


async def test_only_keys_that_are_as_they_were_seen_are_proposed(
    connection: asyncpg.Connection, rehashes: KeyRehashTable, wrapped: list[KeyId]
) -> None:
    """One was deleted and one replaced meanwhile; the third is proposed all the same."""
    await connection.execute("DELETE FROM keys WHERE id = $1", wrapped[0])
    await connection.execute("UPDATE keys SET digest = $2 WHERE id = $1", wrapped[1], b"\1" * 32)
    await rehashes.propose({key_id: _rehash(key_id, n) for n, key_id in enumerate(wrapped)})
    assert [row[0] for row in await _proposals(connection)] == [wrapped[2]]
