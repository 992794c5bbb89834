"""Writes down when keys were last used."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from authz.domain.directory import KeyId
from authz.storage.short_statements import ShortStatements

# A key that was deleted meanwhile must not keep the others from being written.
_WRITE: Final = """
    WITH written AS (
        INSERT INTO key_uses AS uses (key_id, last_used_at)
             SELECT used.key_id, used.at
               FROM unnest($1::uuid[], $2::timestamptz[]) AS used (key_id, at)
              WHERE EXISTS (SELECT FROM keys WHERE keys.id = used.key_id)
        ON CONFLICT (key_id) DO UPDATE
                SET last_used_at = greatest(uses.last_used_at, excluded.last_used_at)
    )
    SELECT 1 AS done
"""


class KeyUseTable:
    """The table `key_uses`."""

    def __init__(self, statements: ShortStatements) -> None:
        self._statements = statements

    async def write(self, uses: Mapping[KeyId, datetime]) -> None:
        """Keep the later of what was known and what is told, for each key that there is.

        Raises:
            DatabaseError: PostgreSQL failed; writing the same again does no harm.
        """
        await self._statements.fetch_row(_WRITE, list(uses), list(uses.values()))
