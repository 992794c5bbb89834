"""The table `accounts`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg

from authz.domain.administration.canary import CANARY_ACCOUNT
from authz.domain.administration.records import AccountRecord
from authz.domain.directory import AccountId, AccountStatus
from authz.storage.admin.connection import Connection


class AccountRows:
    """Accounts, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, account_id: AccountId) -> AccountRecord | None:
        """Return the account of this id."""
        return _read(await self._connection.fetchrow(_SELECT, account_id))

    async def find_by_name(self, name: str) -> AccountRecord | None:
        """Return the account of this name."""
        return _read(await self._connection.fetchrow(_SELECT_BY_NAME, name))

    async def list(
        self,
        *,
        search: str,
        tier: str,
        status: AccountStatus | None,
        after: str | None,
        limit: int,
    ) -> Sequence[AccountRecord]:
        """Return accounts by name, from the one after `after` on; never the canary's."""
        rows = await self._connection.fetch(
            _LIST, search, tier, status, after, limit, CANARY_ACCOUNT
        )
        return [_parse(row) for row in rows]

    async def insert(self, account: AccountRecord) -> None:
        """Store a new account."""
        await self._connection.execute(
            _INSERT,
            account.id,
            account.name,
            account.email,
            account.tier,
            account.status,
            account.created_at,
        )

    async def update(self, account: AccountRecord) -> None:
        """Store what can change about an account."""
        await self._connection.execute(
            _UPDATE, account.id, account.name, account.email, account.tier, account.status
        )


_SELECT: Final = """
    SELECT id, name, email, tier, status, created_at FROM accounts WHERE id = $1
"""

_SELECT_BY_NAME: Final = """
    SELECT id, name, email, tier, status, created_at FROM accounts WHERE name = $1
"""

_LIST: Final = """
    SELECT id, name, email, tier, status, created_at
      FROM accounts
     WHERE ($1 = '' OR position(lower($1) IN lower(name)) > 0
                    OR position(lower($1) IN lower(email)) > 0)
       AND ($2 = '' OR tier = $2)
       AND ($3::text IS NULL OR status = $3)
       AND ($4::text IS NULL OR name > $4)
       AND name <> $6
     ORDER BY name
     LIMIT $5
"""

_INSERT: Final = """
    INSERT INTO accounts (id, name, email, tier, status, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
"""

_UPDATE: Final = """
    UPDATE accounts SET name = $2, email = $3, tier = $4, status = $5 WHERE id = $1
"""


def _read(row: asyncpg.Record | None) -> AccountRecord | None:
    return None if row is None else _parse(row)


def _parse(row: asyncpg.Record) -> AccountRecord:
    created_at: datetime = row["created_at"]
    return AccountRecord(
        id=AccountId(row["id"]),
        name=row["name"],
        email=row["email"],
        tier=row["tier"],
        status=AccountStatus(row["status"]),
        created_at=created_at,
    )
