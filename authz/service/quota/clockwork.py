"""Wakes each budget when something is due for it, and no other."""

import heapq
from collections.abc import Callable
from itertools import count

from authz.service.quota.budget import NEVER, Budget


class Clockwork:
    """Calls `wake` for each budget once it is due, by `clock` in microseconds."""

    def __init__(self, wake: Callable[[Budget, int], None], clock: Callable[[], int]) -> None:
        self._wake = wake
        self._clock = clock
        self._order = count()
        self._due: list[tuple[int, int, Budget]] = []

    def wake_at(self, budget: Budget, at: int) -> None:
        """Wake a budget then, unless it will be sooner."""
        if at < budget.wakes_at:
            budget.wakes_at = at
            heapq.heappush(self._due, (at, next(self._order), budget))

    def turn(self) -> None:
        """Wake all that are due."""
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            at, _, budget = heapq.heappop(self._due)
            if at == budget.wakes_at:  # else it was woken sooner
                budget.wakes_at = NEVER
                self._wake(budget, now)
