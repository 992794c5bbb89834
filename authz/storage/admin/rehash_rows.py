"""The table `key_rehashes`: digests that the data plane proposes for wrapped keys."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import asyncpg

from authz.domain.directory import KeyId, PepperId
from authz.domain.rehash import Rehash
from authz.storage.admin.connection import Connection


class RehashRows:
    """Proposals, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def read(self, limit: int) -> Sequence[tuple[Rehash, tuple[PepperId, ...]]]:
        """Return proposals, each with the chain that its key's digest was made under."""
        rows = await self._connection.fetch(_SELECT, limit)
        return [(_parse(row), (row["chain_start"], *row["wrapped_under"])) for row in rows]

    async def apply(self, digests: Mapping[KeyId, bytes], pepper_id: PepperId) -> int:
        """Give keys digests under one pepper alone, but none that another has; count them."""
        status = await self._connection.execute(
            _APPLY, list(digests), list(digests.values()), pepper_id
        )
        return int(status.rpartition(" ")[2])

    async def delete(self, key_ids: Iterable[KeyId]) -> None:
        """Forget proposals."""
        await self._connection.execute(_DELETE, list(key_ids))


_SELECT: Final = """
    SELECT key_rehashes.key_id, keys.digest AS stored, key_rehashes.inner_digest,
           key_rehashes.pepper_id, key_rehashes.digest, keys.pepper_id AS chain_start,
           keys.wrapped_under
      FROM key_rehashes
      JOIN keys ON keys.id = key_rehashes.key_id
     LIMIT $1
"""

_APPLY: Final = """
    UPDATE keys SET digest = made.digest, pepper_id = $3, wrapped_under = '{}'
      FROM unnest($1::uuid[], $2::bytea[]) AS made (id, digest)
     WHERE keys.id = made.id
       AND NOT EXISTS (SELECT FROM keys AS other WHERE other.digest = made.digest)
"""

_DELETE: Final = "DELETE FROM key_rehashes WHERE key_id = ANY ($1::uuid[])"


def _parse(row: asyncpg.Record) -> Rehash:
    return Rehash(
        key_id=KeyId(row["key_id"]),
        stored=row["stored"],
        inner=row["inner_digest"],
        pepper_id=PepperId(row["pepper_id"]),
        digest=row["digest"],
    )
