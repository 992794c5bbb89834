"""The row by which a process tells what it has applied."""

from collections.abc import Callable, Iterable
from typing import Final

import asyncpg

from authz.domain.directory import PepperId
from authz.domain.process import REFUSES_EVERYTHING, Process, ReplacedError

# One statement that tells and asks: it cannot say that this process is up to date as of a moment
# at which it did not look. A number that is neither a change here, nor one that was known to the
# change after it, is of a history that the server has lost since it failed over or was restored: it
# says nothing about the changes that were made instead.
_TELL: Final = """
    INSERT INTO processes AS known (name, incarnation, number, peppers, stale_after, seen_at)
         VALUES ($1, $2::uuid,
                 CASE WHEN $3::bigint = $6
                        OR EXISTS (SELECT FROM changes WHERE changes.number = $3)
                        OR $3 = (SELECT follows FROM changes WHERE changes.number > $3
                                  ORDER BY changes.number LIMIT 1)
                      THEN $3 ELSE 0 END,
                 $4, $5, clock_timestamp())
    ON CONFLICT (name) DO UPDATE
            SET incarnation = $2,
                started_at = CASE WHEN known.incarnation = $2 THEN known.started_at ELSE now() END,
                number = excluded.number, peppers = $4, stale_after = $5,
                seen_at = clock_timestamp()
          WHERE known.incarnation = $2 OR NOT $7
      RETURNING (SELECT coalesce(max(changes.number), 0) FROM changes)
"""

_LEAVE: Final = "DELETE FROM processes WHERE name = $1 AND incarnation = $2"


class ProcessRow:
    """The row of one process, from when it first enters its place.

    `peppers` gives the names of those that the process knows.
    """

    def __init__(self, process: Process, peppers: Callable[[], Iterable[PepperId]]) -> None:
        self._process = process
        self._peppers = peppers
        self._has_entered = False

    async def tell(self, connection: asyncpg.Connection, number: int) -> int:
        """Write down that every change up to `number` is applied; return the newest one's number.

        The first time, the place is taken over from whoever was there; from then on it can be lost
        to another, and is not taken back: two that took turns would each vouch for what nobody
        waits for them to learn.

        Raises:
            ReplacedError: another process has taken the place.
        """
        newest = await connection.fetchval(
            _TELL,
            self._process.name,
            self._process.incarnation,
            number,
            sorted(self._peppers()),
            self._process.stale_after,
            REFUSES_EVERYTHING,
            self._has_entered,
        )
        if newest is None:
            raise ReplacedError(f"another process runs as {self._process.name}")
        self._has_entered = True
        return int(newest)

    async def leave(self, connection: asyncpg.Connection) -> None:
        """Remove the row, unless it is another process's by now."""
        await connection.execute(_LEAVE, self._process.name, self._process.incarnation)
