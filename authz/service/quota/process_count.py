"""How many processes share the limits, kept for when nobody can be asked."""

import asyncio
from typing import Final

from authz.domain.undecided import DatabaseError
from authz.service.ports import LeaseLedger

_INTERVAL_SECONDS: Final = 10.0


class ProcessCount:
    """The last answer; `expected` before the first one."""

    def __init__(self, ledger: LeaseLedger, expected: int) -> None:
        self._ledger = ledger
        self.last_known = expected

    async def run(self) -> None:
        """Ask again and again, until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(_INTERVAL_SECONDS)

    async def refresh(self) -> None:
        """Ask; without an answer, the last one stands."""
        try:
            self.last_known = max(1, await self._ledger.count_processes())
        except DatabaseError:
            return  # whoever charges notices it too, and says so
