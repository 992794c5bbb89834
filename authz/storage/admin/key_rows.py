"""The table `keys`, without what only pepper rotation needs of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from authz.domain.administration.canary import CANARY_ACCOUNT
from authz.domain.administration.records import KeyListStatus, KeyRecord
from authz.domain.directory import AccountId, Endpoint, KeyId, PepperId
from authz.domain.new_key import NewKey
from authz.storage.admin.connection import Connection


class KeyRows:
    """Keys, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, key_id: KeyId) -> KeyRecord | None:
        """Return the key of this id."""
        row = await self._connection.fetchrow(_SELECT, key_id)
        return None if row is None else _parse(row)

    async def find_by_digests(self, digests: Sequence[bytes]) -> KeyId | None:
        """Return which key has one of these digests; a text has at most one key."""
        found: UUID | None = await self._connection.fetchval(_SELECT_ID, list(digests))
        return None if found is None else KeyId(found)

    async def chains(self) -> Sequence[tuple[PepperId, ...]]:
        """Return every chain of peppers that some key's digest was made under."""
        rows = await self._connection.fetch(_SELECT_CHAINS)
        return [(row["pepper_id"], *row["wrapped_under"]) for row in rows]

    async def list(
        self,
        *,
        account_id: AccountId | None,
        status: KeyListStatus | None,
        environment: str,
        after: tuple[datetime, UUID] | None,
        limit: int,
    ) -> Sequence[KeyRecord]:
        """Return keys, the newest first, from the one after `after` on; never the canary's."""
        created_at, key_id = after or (None, None)
        rows = await self._connection.fetch(
            _LIST, account_id, status, environment, created_at, key_id, limit, CANARY_ACCOUNT
        )
        return [_parse(row) for row in rows]

    async def insert(
        self,
        key_id: KeyId,
        account_id: AccountId,
        key: NewKey,
        at: datetime,
        replaces: KeyId | None = None,
    ) -> None:
        """Store a new key."""
        await self._connection.execute(
            _INSERT,
            key_id,
            account_id,
            key.name,
            key.environment,
            sorted(key.scopes),
            key.networks,
            key.expires_at,
            key.pepper_id,
            key.digest,
            key.prefix,
            key.last_four,
            at,
            replaces,
            key.requests_per_minute,
            key.tokens_per_minute,
        )

    async def update(self, key: KeyRecord) -> None:
        """Store a key's name, environment, scopes, networks and limits."""
        await self._connection.execute(
            _UPDATE,
            key.id,
            key.name,
            key.environment,
            sorted(key.scopes),
            key.networks,
            key.requests_per_minute,
            key.tokens_per_minute,
        )

    async def replace(self, key_id: KeyId, by: KeyId, expires_at: datetime) -> None:
        """Note which key took this one's place, and until when this one lives on."""
        await self._connection.execute(_REPLACE, key_id, by, expires_at)

    async def revoke(self, key_id: KeyId, at: datetime) -> None:
        """End a key for ever; one that is over already stays as it is."""
        await self._connection.execute(_REVOKE, key_id, at)

    async def delete_of(self, account_id: AccountId) -> None:
        """Remove an account's keys without a trace: for keys that were never anybody's."""
        await self._connection.execute(_DELETE_OF, account_id)


_SELECT: Final = """
    SELECT id, account_id, name, environment, scopes, networks, created_at, expires_at, revoked_at,
           last_used_at, prefix, last_four, replaces, replaced_by, requests_per_minute,
           tokens_per_minute,
           CASE WHEN status = 'revoked' THEN 'revoked'
                WHEN expires_at <= clock_timestamp() THEN 'expired'
                ELSE 'active' END AS status
      FROM keys
      LEFT JOIN key_uses ON key_uses.key_id = keys.id
     WHERE id = $1
"""

_SELECT_ID: Final = "SELECT id FROM keys WHERE digest = ANY ($1::bytea[]) LIMIT 1"

# From one to the next in the index, for there are few among very many keys.
_SELECT_CHAINS: Final = """
    WITH RECURSIVE chains AS (
        (SELECT pepper_id, wrapped_under FROM keys ORDER BY pepper_id, wrapped_under LIMIT 1)
        UNION ALL
        SELECT next.pepper_id, next.wrapped_under
          FROM chains,
               LATERAL (SELECT keys.pepper_id, keys.wrapped_under
                          FROM keys
                         WHERE (keys.pepper_id, keys.wrapped_under)
                               > (chains.pepper_id, chains.wrapped_under)
                         ORDER BY keys.pepper_id, keys.wrapped_under
                         LIMIT 1) AS next
    )
    SELECT pepper_id, wrapped_under FROM chains
"""

_LIST: Final = """
    SELECT id, account_id, name, environment, scopes, networks, created_at, expires_at, revoked_at,
           last_used_at, prefix, last_four, replaces, replaced_by, requests_per_minute,
           tokens_per_minute,
           CASE WHEN status = 'revoked' THEN 'revoked'
                WHEN expires_at <= now() THEN 'expired'
                ELSE 'active' END AS status
      FROM keys
      LEFT JOIN key_uses ON key_uses.key_id = keys.id
     WHERE ($1::uuid IS NULL OR account_id = $1)
       AND CASE $2::text WHEN 'revoked' THEN status = 'revoked'
                         WHEN 'expired' THEN status = 'active' AND expires_at <= now()
                         WHEN 'active' THEN status = 'active'
                                            AND coalesce(expires_at > now(), true)
                         ELSE true END
       AND ($3 = '' OR environment = $3)
       AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))
       AND account_id IS DISTINCT FROM (SELECT id FROM accounts WHERE name = $7)
     ORDER BY created_at DESC, id DESC
     LIMIT $6
"""

_INSERT: Final = """
    INSERT INTO keys (id, account_id, name, environment, scopes, networks, expires_at, pepper_id,
                      digest, prefix, last_four, created_at, replaces, requests_per_minute,
                      tokens_per_minute)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
"""

_UPDATE: Final = """
    UPDATE keys
       SET name = $2, environment = $3, scopes = $4, networks = $5, requests_per_minute = $6,
           tokens_per_minute = $7
     WHERE id = $1
"""

_REPLACE: Final = "UPDATE keys SET replaced_by = $2, expires_at = $3 WHERE id = $1"

_REVOKE: Final = """
    UPDATE keys SET status = 'revoked', revoked_at = $2 WHERE id = $1 AND status = 'active'
"""

_DELETE_OF: Final = "DELETE FROM keys WHERE account_id = $1"


def _parse(row: asyncpg.Record) -> KeyRecord:
    return KeyRecord(
        id=KeyId(row["id"]),
        account_id=AccountId(row["account_id"]),
        name=row["name"],
        environment=row["environment"],
        scopes=frozenset(map(Endpoint, row["scopes"])),
        networks=tuple(row["networks"]),
        status=KeyListStatus(row["status"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
        prefix=row["prefix"],
        last_four=row["last_four"],
        replaces=row["replaces"],
        replaced_by=row["replaced_by"],
        requests_per_minute=row["requests_per_minute"],
        tokens_per_minute=row["tokens_per_minute"],
    )
