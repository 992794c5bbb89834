"""Which processes answer checks, and what each is known to have applied."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from authz.domain.administration.records import ProcessRecord
from authz.service.admin.ports import Database

FENCE_MARGIN: Final = timedelta(seconds=5)
"""How far the clocks of two machines may be apart, and a check that has begun may still take."""
_FIRST_PAUSE_SECONDS: Final = 0.01
_LONGEST_PAUSE_SECONDS: Final = 0.1
_PAUSES_GROW: Final = 1.5


class Acknowledgements:
    """What processes tell of themselves. Methods raise `DatabaseError`.

    A process that was killed looks like one that is frozen or cut off, and those two may answer
    again, from what they knew. So it counts until it cannot do harm any more: until a new process
    in its place proves that it has ended, or until it is fenced, that is, has been without news for
    so long that it refuses every check. `clock` never jumps.
    """

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def list(self) -> tuple[tuple[ProcessRecord, ...], int]:
        """Return those that may still answer, by name, and the newest change's number."""
        async with self._database.session() as tables:
            number = await tables.changes.newest_number()
            return tuple(await tables.processes.list_unfenced(FENCE_MARGIN)), number

    async def wait(
        self,
        number: int,
        timeout: timedelta,  # noqa: ASYNC109 what has not acknowledged by then is the answer
    ) -> tuple[ProcessRecord, ...]:
        """Return when all that may still answer have applied a change, or after `timeout`.

        Returns those that are not known to have; none, when the change is in effect everywhere.
        """
        deadline = self._clock() + timeout.total_seconds()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            laggards = await self._find_laggards(number)
            left = deadline - self._clock()
            if not laggards or left <= 0:
                return laggards
            await asyncio.sleep(min(pause, left))
            pause = min(pause * _PAUSES_GROW, _LONGEST_PAUSE_SECONDS)

    async def _find_laggards(self, number: int) -> tuple[ProcessRecord, ...]:
        async with self._database.session() as tables:
            processes = await tables.processes.list_unfenced(FENCE_MARGIN)
        return tuple(process for process in processes if process.number < number)
