"""A supervisor and everything it published."""

import asyncio
from collections.abc import Callable

from stack.process import Unit
from stack.silence import Patience
from stack.status import UnitState, UnitStatus
from stack.supervisor import Supervisor


class Watched:
    """Runs units under a supervisor, and remembers what it said of them."""

    def __init__(self, *units: Unit, patience: Patience | None = None) -> None:
        self.history: list[tuple[UnitStatus, ...]] = []
        self.supervisor = Supervisor(units, self._note, patience=patience)
        self._published = asyncio.Event()

    def unit(self, name: str) -> UnitStatus:
        """Return what was last published of a unit."""
        return {unit.name: unit for unit in self.history[-1]}[name]

    def order(self, state: UnitState) -> list[str]:
        """Return names in the order in which they reached a state."""
        reached: dict[str, None] = {}
        for units in self.history:
            reached.update({unit.name: None for unit in units if unit.state is state})
        return list(reached)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that the supervisor will publish."""
        async with asyncio.timeout(20):
            while not holds():
                self._published.clear()
                await self._published.wait()

    def _note(self, units: tuple[UnitStatus, ...]) -> None:
        self.history.append(units)
        self._published.set()
