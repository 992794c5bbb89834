"""Proposes digests that the control plane may replace wrapped ones with."""

from collections.abc import Mapping
from typing import Final

from authz.domain.directory import KeyId
from authz.domain.rehash import Rehash
from authz.storage.short_statements import ShortStatements

# Only for rows that are still as they were seen. The conflict's column is not named, because this
# role may not read the table.
_PROPOSE: Final = """
    WITH proposed AS (
        INSERT INTO key_rehashes (key_id, inner_digest, pepper_id, digest)
             SELECT keys.id, made.inner_digest, made.pepper_id, made.digest
               FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::text[], $5::bytea[])
                    AS made (key_id, stored, inner_digest, pepper_id, digest)
               JOIN keys ON keys.id = made.key_id AND keys.digest = made.stored
        ON CONFLICT DO NOTHING
    )
    SELECT 1 AS done
"""


class KeyRehashTable:
    """The table `key_rehashes`, into which the data plane only throws."""

    def __init__(self, statements: ShortStatements) -> None:
        self._statements = statements

    async def propose(self, rehashes: Mapping[KeyId, Rehash]) -> None:
        """Leave proposals, where there is none for the same key.

        Raises:
            DatabaseError: PostgreSQL failed; proposing the same again does no harm.
        """
        made = rehashes.values()
        await self._statements.fetch_row(
            _PROPOSE,
            list(rehashes),
            [each.stored for each in made],
            [each.inner for each in made],
            [each.pepper_id for each in made],
            [each.digest for each in made],
        )
