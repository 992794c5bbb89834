"""Reads the directory from PostgreSQL, whole or what changed, and hears of changes."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

import asyncpg

from authz.domain.directory import (
    Account,
    AccountId,
    BadDirectoryError,
    Delta,
    Directory,
    Key,
    KeyId,
    Tier,
)
from authz.domain.undecided import DatabaseError
from authz.storage.connect import connect
from authz.storage.directory_fields import by_id, parse_account, parse_key, parse_tier
from authz.storage.failures import as_database_error
from authz.storage.migrate import expected_version, read_version

_CHANNEL: Final = "tessera_changes"


class DirectoryFeed:
    """Where the directory comes from.

    `pepper_id` is the pepper that every key must have been made under; more than `keys_max` keys
    are taken for a mistake.
    """

    def __init__(self, url: str, pepper_id: str, keys_max: int) -> None:
        self._url = url
        self._pepper_id = pepper_id
        self._keys_max = keys_max

    @asynccontextmanager
    async def open(self) -> AsyncIterator["DirectorySession"]:
        """Connect and listen; only then can anything be read, so that no change falls between.

        LISTEN needs a connection of its own, straight to the server: a pooler that shares
        connections between transactions would swallow it.

        Raises:
            DatabaseError: PostgreSQL failed, or its schema is older than this code.
        """
        connection = await connect(self._url)
        try:
            await _check_schema(connection)
            heard = asyncio.Event()
            with as_database_error():
                await connection.add_listener(_CHANNEL, lambda *_: heard.set())
            yield DirectorySession(connection, heard, self._pepper_id, self._keys_max)
        finally:
            connection.terminate()  # close() would wait for a server that may be frozen


class DirectorySession:
    """One connection that listens."""

    def __init__(
        self, connection: asyncpg.Connection, heard: asyncio.Event, pepper_id: str, keys_max: int
    ) -> None:
        self._connection = connection
        self._heard = heard
        self._pepper_id = pepper_id
        self._keys_max = keys_max

    async def wait(self, seconds: float) -> None:
        """Return when a change was announced, or after `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._heard.wait()
        except TimeoutError:
            return
        self._heard.clear()

    async def read(self, known: Directory | None) -> Directory:
        """Return the directory as it is now; `known` itself where nothing changed.

        Raises:
            BadDirectoryError: what is in the database cannot be used.
            DatabaseError: PostgreSQL failed.
        """
        with as_database_error():
            if known and await self._connection.fetchval(_SELECT_NUMBER) == known.number:
                return known
            async with self._connection.transaction(isolation="repeatable_read", readonly=True):
                number = await self._connection.fetchval(_SELECT_NUMBER)
                if known is None:
                    return await self._read_all(number)
                return known.apply(await self._read_delta(known.number, number))

    async def _read_all(self, number: int) -> Directory:
        return Directory.build(
            number,
            await self._read_tiers(),
            await self._read_accounts(),
            await self._read_keys(),
        )

    async def _read_delta(self, after: int, number: int) -> Delta:
        changes = await self._connection.fetch(_SELECT_CHANGES, after)
        names = [row["subject"] for row in changes if row["kind"] == "tier"]
        account_ids = [
            AccountId(UUID(row["subject"])) for row in changes if row["kind"] == "account"
        ]
        key_ids = [KeyId(UUID(row["subject"])) for row in changes if row["kind"] == "key"]
        tiers = await self._read_tiers(names)
        accounts = await self._read_accounts(account_ids)
        keys = await self._read_keys(key_ids)
        return Delta(
            number,
            tiers={name: tiers.get(name) for name in names},
            accounts={name: accounts.get(name) for name in account_ids},
            keys={name: keys.get(name) for name in key_ids},
        )

    async def _read_tiers(self, names: list[str] | None = None) -> Mapping[str, Tier]:
        rows = await self._connection.fetch(_SELECT_TIERS, names)
        return by_id(map(parse_tier, rows), lambda tier: tier.name)

    async def _read_accounts(
        self, ids: list[AccountId] | None = None
    ) -> Mapping[AccountId, Account]:
        rows = await self._connection.fetch(_SELECT_ACCOUNTS, ids)
        return by_id(map(parse_account, rows), lambda account: account.id)

    async def _read_keys(self, ids: list[KeyId] | None = None) -> Mapping[KeyId, Key]:
        rows = await self._connection.fetch(_SELECT_KEYS, ids, self._keys_max + 1)
        if len(rows) > self._keys_max:
            raise BadDirectoryError(f"there are more than {self._keys_max} keys")
        return by_id((parse_key(row, self._pepper_id) for row in rows), lambda key: key.id)


async def _check_schema(connection: asyncpg.Connection) -> None:
    version, expected = await read_version(connection), expected_version()
    if version < expected:
        raise DatabaseError(f"schema is at {version} and must be at {expected}; run migrate")


_SELECT_NUMBER: Final = "SELECT coalesce(max(number), 0) FROM changes"

_SELECT_CHANGES: Final = "SELECT DISTINCT kind, subject FROM changes WHERE number > $1"

_SELECT_TIERS: Final = """
    SELECT name, requests_per_minute, tokens_per_minute, tokens_per_month, items_max, endpoints,
           models
      FROM tiers
     WHERE $1::text[] IS NULL OR name = ANY ($1)
"""

_SELECT_ACCOUNTS: Final = """
    SELECT id, name, tier, status
      FROM accounts
     WHERE $1::uuid[] IS NULL OR id = ANY ($1)
"""

_SELECT_KEYS: Final = """
    SELECT id, account_id, digest, pepper_id, status, scopes, expires_at
      FROM keys
     WHERE $1::uuid[] IS NULL OR id = ANY ($1)
     LIMIT $2
"""
