"""A database that many tests use in turn, each as it was when it was migrated."""

from dataclasses import dataclass
from typing import Final

import asyncpg

_TABLES: Final = """
    SELECT quote_ident(relname) FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
"""
_IS_USED: Final = "SELECT EXISTS (SELECT FROM {0})"
_KEEP: Final = "CREATE TABLE kept.{0} AS SELECT * FROM {0}"
_UNBIND: Final = "SET session_replication_role = replica"  # triggers and references refuse nothing
_EMPTY: Final = "DELETE FROM {0}"
_FILL: Final = "INSERT INTO {0} SELECT * FROM kept.{0}"


@dataclass(frozen=True, slots=True)
class SharedDatabase:
    """To put it back takes less than to make one anew."""

    url: str
    _put_back: str

    @classmethod
    async def keep(cls, url: str) -> "SharedDatabase":
        """Remember what a database holds now."""
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE SCHEMA kept")
        put_back = [_UNBIND]
        for (table,) in await connection.fetch(_TABLES):
            put_back.append(_EMPTY.format(table))
            if await connection.fetchval(_IS_USED.format(table)):
                await connection.execute(_KEEP.format(table))
                put_back.append(_FILL.format(table))
        await connection.close()
        return cls(url, ";".join(put_back))

    async def as_kept(self) -> str:
        """Return the connection string, once all is as it was."""
        connection = await asyncpg.connect(self.url)
        await connection.execute(self._put_back)
        await connection.close()
        return self.url
