"""Stands in for the processes that answer checks: their rows, as they would write them."""

from collections.abc import Sequence
from uuid import uuid4

import asyncpg

_UPSERT = """
    INSERT INTO processes (name, incarnation, started_at, number, peppers, stale_after, seen_at)
         VALUES ($1, $2, clock_timestamp(), $3, $4, $5 * interval '1 second',
                 clock_timestamp() - $6 * interval '1 second')
    ON CONFLICT (name) DO UPDATE
            SET number = excluded.number, peppers = excluded.peppers,
                seen_at = excluded.seen_at
"""
_NEVER = 2**62


class ProcessTable:
    """Rows of processes."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def tell(
        self,
        name: str,
        number: int = _NEVER,
        *,
        peppers: Sequence[str] = (),
        stale_after_seconds: float = 300,
        seen_seconds_ago: float = 0,
    ) -> None:
        """Let a process tell what it has applied and knows."""
        await self._connection.execute(
            _UPSERT, name, uuid4(), number, list(peppers), stale_after_seconds, seen_seconds_ago
        )

    async def end(self, name: str) -> None:
        """Let a process end in order."""
        await self._connection.execute("DELETE FROM processes WHERE name = $1", name)

    async def names(self) -> list[str]:
        """Return whose rows there are."""
        rows = await self._connection.fetch("SELECT name FROM processes ORDER BY name")
        return [row["name"] for row in rows]
