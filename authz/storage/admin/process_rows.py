"""The table `processes`, which the processes that answer checks write."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import asyncpg

from authz.domain.administration.records import ProcessRecord
from authz.domain.directory import PepperId
from authz.storage.admin.connection import Connection


class ProcessRows:
    """What processes tell of themselves, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list_unfenced(self, margin: timedelta) -> Sequence[ProcessRecord]:
        """Return, by name, those that may still answer.

        By the database's clock, and `margin` after its own last moment, a process without news
        certainly refuses everything.
        """
        rows = await self._connection.fetch(_LIST, margin)
        return [_parse(row) for row in rows]

    async def prune(self, fenced_for: timedelta) -> int:
        """Forget processes that were fenced this long ago; return how many."""
        status = await self._connection.execute(_PRUNE, fenced_for)
        return int(status.rpartition(" ")[2])


_LIST: Final = """
    SELECT name, started_at, seen_at, number, peppers, seen_at + stale_after + $1 AS fenced_at
      FROM processes
     WHERE seen_at + stale_after + $1 > clock_timestamp()
     ORDER BY name
"""

_PRUNE: Final = "DELETE FROM processes WHERE seen_at + stale_after + $1 < clock_timestamp()"


def _parse(row: asyncpg.Record) -> ProcessRecord:
    return ProcessRecord(
        name=row["name"],
        started_at=row["started_at"],
        seen_at=row["seen_at"],
        fenced_at=row["fenced_at"],
        number=row["number"],
        peppers=frozenset(map(PepperId, row["peppers"])),
    )
