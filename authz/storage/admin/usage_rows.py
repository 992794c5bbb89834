"""The tables of usage, and the names of those whose it is."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from authz.domain.directory import AccountId, KeyId
from authz.domain.reports.usage import Group, UsageQuery, UsageRow
from authz.storage.admin.connection import Connection
from authz.storage.usage_statement import read_usage


class UsageRows:
    """What was used, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read(self, query: UsageQuery, after: Group | None, limit: int) -> Sequence[UsageRow]:
        """Return rows by bucket, then group, from the one after `after` on.

        `after` is a group of the first bucket.
        """
        return await read_usage(self._connection, query, after, limit)

    async def name_accounts(self, ids: Collection[AccountId]) -> Mapping[AccountId, str]:
        """Return the names of accounts."""
        rows = await self._connection.fetch(_SELECT_ACCOUNTS, ids)
        return {AccountId(row["id"]): row["name"] for row in rows}

    async def name_keys(self, ids: Collection[KeyId]) -> Mapping[KeyId, str]:
        """Return the names of keys."""
        rows = await self._connection.fetch(_SELECT_KEYS, ids)
        return {KeyId(row["id"]): row["name"] for row in rows}

    async def make_partitions(self) -> None:
        """Make room for what will be used in the time to come."""
        await self._connection.execute(_MAKE_PARTITIONS)

    async def drop_partitions(self) -> None:
        """Forget minutes that are too old."""
        await self._connection.execute(_DROP_PARTITIONS)


_SELECT_ACCOUNTS: Final = "SELECT id, name FROM accounts WHERE id = ANY ($1)"

_SELECT_KEYS: Final = "SELECT id, name FROM keys WHERE id = ANY ($1)"

_MAKE_PARTITIONS: Final = "SELECT make_usage_partitions()"

_DROP_PARTITIONS: Final = "SELECT drop_usage_partitions()"
