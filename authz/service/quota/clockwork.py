"""Wakes each budget when something is due for it, and no other."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Final

from authz.service.quota.budget import NEVER, Budget

_STALE_MAX: Final = 1000
"""Entries of budgets that were woken sooner; beyond so many, and half of all, they are dropped."""


class Clockwork:
    """Calls `wake` for each budget once it is due, by `clock` in microseconds."""

    def __init__(self, wake: Callable[[Budget, int], None], clock: Callable[[], int]) -> None:
        self._wake = wake
        self._clock = clock
        self._order = count()
        self._due: list[tuple[int, int, Budget]] = []
        self._stale = 0

    def wake_at(self, budget: Budget, at: int) -> None:
        """Wake a budget then, unless it will be sooner."""
        if at < budget.wakes_at:
            self._stale += budget.wakes_at != NEVER
            budget.wakes_at = at
            heapq.heappush(self._due, (at, next(self._order), budget))
            if self._stale > max(_STALE_MAX, len(self._due) // 2):
                self._due = [each for each in self._due if each[0] == each[2].wakes_at]
                heapq.heapify(self._due)
                self._stale = 0

    def turn(self) -> None:
        """Wake all that are due."""
        now = self._clock()
        while self._due and self._due[0][0] <= now:
            at, _, budget = heapq.heappop(self._due)
            if at == budget.wakes_at:
                budget.wakes_at = NEVER
                self._wake(budget, now)
            else:  # it was woken sooner
                self._stale = max(0, self._stale - 1)
