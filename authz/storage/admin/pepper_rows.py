"""The table `peppers`, and which keys need which."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from authz.domain.administration.records import PepperRecord, PepperStatus
from authz.domain.directory import KeyId, PepperId
from authz.storage.admin.connection import Connection


class PepperRows:
    """Peppers by their names, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self) -> Sequence[PepperRecord]:
        """Return every pepper that was ever current, the oldest first, without its keys."""
        return [
            PepperRecord(PepperId(row["id"]), PepperStatus(row["status"]), row["since"], keys=0)
            for row in await self._connection.fetch(_LIST)
        ]

    async def current(self) -> PepperId | None:
        """Return the pepper that new keys are made under; nothing where none was ever made."""
        found: str | None = await self._connection.fetchval(_SELECT_CURRENT)
        return None if found is None else PepperId(found)

    async def make_current(self, pepper_id: PepperId, at: datetime) -> None:
        """Make a pepper the one for new keys, and the one before it a previous one."""
        await self._connection.execute(_DEMOTE, pepper_id, at)
        await self._connection.execute(_PROMOTE, pepper_id, at)

    async def retire(self, pepper_id: PepperId, at: datetime) -> None:
        """Note that a pepper is needed no more."""
        await self._connection.execute(_RETIRE, pepper_id, at)

    async def count_working_keys(self) -> Mapping[tuple[PepperId, ...], int]:
        """Return how many keys work, by the chain of peppers that each needs."""
        rows = await self._connection.fetch(_COUNT_WORKING)
        return {(row["pepper_id"], *row["wrapped_under"]): row["count"] for row in rows}

    async def count_unwrapped(self, pepper_id: PepperId) -> int:
        """Return how many keys' digests were not last made under this pepper."""
        count: int = await self._connection.fetchval(_COUNT_UNWRAPPED, pepper_id)
        return count

    async def read_unwrapped(
        self, pepper_id: PepperId, after: KeyId, limit: int
    ) -> Sequence[tuple[KeyId, bytes]]:
        """Return digests that were not last made under this pepper, of keys after `after`."""
        rows = await self._connection.fetch(_SELECT_UNWRAPPED, pepper_id, after, limit)
        return [(KeyId(row["id"]), row["digest"]) for row in rows]

    async def wrap(self, digests: Mapping[KeyId, bytes], pepper_id: PepperId) -> None:
        """Store digests that were wrapped under one more pepper."""
        await self._connection.execute(_WRAP, list(digests), list(digests.values()), pepper_id)

    async def revoke_expired(self, pepper_id: PepperId, at: datetime) -> int:
        """Revoke the keys that need a pepper and have expired; return how many."""
        status = await self._connection.execute(_REVOKE_EXPIRED, pepper_id, at)
        return int(status.rpartition(" ")[2])


_LIST: Final = "SELECT id, status, since FROM peppers ORDER BY since, id"

_SELECT_CURRENT: Final = "SELECT id FROM peppers WHERE status = 'current'"

_DEMOTE: Final = """
    UPDATE peppers SET status = 'previous', since = $2 WHERE status = 'current' AND id <> $1
"""

_PROMOTE: Final = """
    INSERT INTO peppers (id, status, since) VALUES ($1, 'current', $2)
    ON CONFLICT (id) DO UPDATE SET status = 'current', since = excluded.since
"""

_RETIRE: Final = """
    INSERT INTO peppers (id, status, since) VALUES ($1, 'retired', $2)
    ON CONFLICT (id) DO UPDATE SET status = 'retired', since = excluded.since
"""

_COUNT_WORKING: Final = """
    SELECT pepper_id, wrapped_under, count(*) AS count
      FROM keys
     WHERE status = 'active' AND (expires_at IS NULL OR expires_at > clock_timestamp())
     GROUP BY pepper_id, wrapped_under
"""

_COUNT_UNWRAPPED: Final = """
    SELECT count(*) FROM keys
     WHERE coalesce(wrapped_under[cardinality(wrapped_under)], pepper_id) <> $1
"""

_SELECT_UNWRAPPED: Final = """
    SELECT id, digest FROM keys
     WHERE coalesce(wrapped_under[cardinality(wrapped_under)], pepper_id) <> $1 AND id > $2
     ORDER BY id
     LIMIT $3
"""

_WRAP: Final = """
    UPDATE keys SET digest = wrapped.digest, wrapped_under = wrapped_under || $3::text
      FROM unnest($1::uuid[], $2::bytea[]) AS wrapped (id, digest)
     WHERE keys.id = wrapped.id
"""

_REVOKE_EXPIRED: Final = """
    UPDATE keys SET status = 'revoked', revoked_at = $2
     WHERE status = 'active' AND expires_at <= $2 AND $1 = ANY (pepper_id || wrapped_under)
"""
