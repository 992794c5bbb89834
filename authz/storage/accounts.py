"""Writes accounts and keys. Every change is numbered and announced by the tables' triggers."""

from collections.abc import Iterable
from typing import Final
from uuid import uuid4

import asyncpg

from authz.domain.directory import AccountId, AccountStatus, KeyId
from authz.domain.new_key import NewKey
from authz.storage.failures import as_database_error

_LOCK: Final = "SELECT lock_directory()"


_SELECT_ACCOUNT: Final = "SELECT id FROM accounts WHERE name = $1"

_INSERT_ACCOUNT: Final = "INSERT INTO accounts (id, name, tier) VALUES ($1, $2, $3) RETURNING id"


async def ensure_account(connection: asyncpg.Connection, name: str, tier: str) -> AccountId:
    """Return the account of this name, made on `tier` where there is none."""
    with as_database_error():
        async with connection.transaction():
            await connection.execute(_LOCK)
            row = await connection.fetchrow(_SELECT_ACCOUNT, name)
            if row is None:
                row = await connection.fetchrow(_INSERT_ACCOUNT, uuid4(), name, tier)
    assert row is not None  # noqa: S101 an insert that did not raise returns its row
    return AccountId(row["id"])


_UPDATE_ACCOUNT: Final = "UPDATE accounts SET tier = $2, status = $3 WHERE id = $1"


async def update_account(
    connection: asyncpg.Connection, account_id: AccountId, tier: str, status: AccountStatus
) -> None:
    """Put an account on a tier, and suspend, resume or close it."""
    with as_database_error():
        await connection.execute(_UPDATE_ACCOUNT, account_id, tier, status)


_INSERT_KEY: Final = """
    INSERT INTO keys (id, account_id, name, environment, scopes, expires_at, pepper_id, digest,
                      prefix, last_four)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""


async def insert_key(connection: asyncpg.Connection, account_id: AccountId, key: NewKey) -> KeyId:
    """Store a new key of an account."""
    key_id = KeyId(uuid4())
    with as_database_error():
        await connection.execute(
            _INSERT_KEY,
            key_id,
            account_id,
            key.name,
            key.environment,
            sorted(key.scopes),
            key.expires_at,
            key.pepper_id,
            key.digest,
            key.prefix,
            key.last_four,
        )
    return key_id


async def replace_keys(
    connection: asyncpg.Connection, account_id: AccountId, old: Iterable[KeyId], new: NewKey
) -> KeyId:
    """Store a new key and revoke old ones, both or neither."""
    with as_database_error():
        async with connection.transaction():
            await revoke_keys(connection, old)
            return await insert_key(connection, account_id, new)


_REVOKE_KEYS: Final = """
    UPDATE keys SET status = 'revoked', revoked_at = now()
     WHERE id = ANY ($1) AND status = 'active'
"""


async def revoke_keys(connection: asyncpg.Connection, key_ids: Iterable[KeyId]) -> None:
    """Revoke keys for ever; those that are revoked already stay as they are."""
    with as_database_error():
        async with connection.transaction():
            await connection.execute(_LOCK)
            await connection.execute(_REVOKE_KEYS, list(key_ids))


_SELECT_LIVE_KEYS: Final = """
    SELECT id, digest FROM keys
     WHERE account_id = $1 AND name = $2 AND status = 'active'
       AND (expires_at IS NULL OR expires_at > now())
"""


async def find_live_keys(
    connection: asyncpg.Connection, account_id: AccountId, name: str
) -> dict[KeyId, bytes]:
    """Return the digests of an account's live keys of one name."""
    with as_database_error():
        rows = await connection.fetch(_SELECT_LIVE_KEYS, account_id, name)
    return {KeyId(row["id"]): row["digest"] for row in rows}
