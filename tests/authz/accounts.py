"""Accounts and keys put straight into the tables, for tests of what reads them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg

from authz.domain.administration.records import AccountRecord
from authz.domain.directory import AccountId, AccountStatus, KeyId
from authz.domain.new_key import NewKey
from authz.storage.admin.tables import Tables


async def ensure_account(connection: asyncpg.Connection, name: str, tier: str) -> AccountId:
    """Return the account of this name, made on `tier` where there is none."""
    accounts = Tables(connection).accounts
    found = await accounts.find_by_name(name)
    if found is not None:
        return found.id
    account_id = AccountId(uuid4())
    await accounts.insert(
        AccountRecord(account_id, name, None, tier, AccountStatus.ACTIVE, datetime.now(UTC))
    )
    return account_id


async def update_account(
    connection: asyncpg.Connection, account_id: AccountId, tier: str, status: AccountStatus
) -> None:
    """Put an account on a tier, and suspend, resume or close it."""
    await connection.execute(
        "UPDATE accounts SET tier = $2, status = $3 WHERE id = $1", account_id, tier, status
    )


async def insert_key(connection: asyncpg.Connection, account_id: AccountId, key: NewKey) -> KeyId:
    """Store a new key of an account."""
    key_id = KeyId(uuid4())
    await Tables(connection).keys.insert(key_id, account_id, key, datetime.now(UTC))
    return key_id


async def revoke_keys(connection: asyncpg.Connection, key_ids: Iterable[KeyId]) -> None:
    """Revoke keys, all or none."""
    async with connection.transaction():
        tables = Tables(connection)
        at = await tables.lock()
        for key_id in key_ids:
            await tables.keys.revoke(key_id, at)
