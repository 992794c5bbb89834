"""What was charged a moment ago, and how fast: in the running window of time and the last."""

from dataclasses import dataclass
from typing import Final

from authz.domain.quota.amounts import NOTHING, Amounts


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Charges whose requests may still fail, so that they are not reported as spent yet.

    A charge without an outcome is settled once its window and the next are over. The young ones are
    the batch of that number, the old ones the batch before.
    """

    young: Amounts = NOTHING
    old: Amounts = NOTHING
    window: int = 0
    batch: int = 0

    @property
    def total(self) -> Amounts:
        """All that is not settled."""
        return self.young + self.old

    def enter(self, window: int) -> tuple["Unsettled", Amounts]:
        """Return what is not settled in that window, and what it settles."""
        if window <= self.window:
            return self, NOTHING
        if window == self.window + 1:
            return Unsettled(NOTHING, self.young, window, self.batch + 1), self.old
        return Unsettled(NOTHING, NOTHING, window, self.batch + 2), self.total

    def add(self, cost: Amounts) -> "Unsettled":
        """Charge in the running window."""
        return Unsettled(self.young + cost, self.old, self.window, self.batch)

    def settle_all(self) -> "Unsettled":
        """Settle all now: what is charged next in this window is no part of the same batch."""
        return Unsettled(NOTHING, NOTHING, self.window, self.batch + 2)

    def take(self, cost: Amounts, batch: int) -> "Unsettled | None":
        """Take out what was charged in a batch; nothing where that is settled already."""
        if batch == self.batch and self.young.covers(cost):
            return Unsettled(self.young - cost, self.old, self.window, self.batch)
        if batch == self.batch - 1 and self.old.covers(cost):
            return Unsettled(self.young, self.old - cost, self.window, self.batch)
        return None


ALL_SETTLED: Final = Unsettled()


@dataclass(frozen=True, slots=True)
class RecentRate:
    """What was charged in the running window and in the last one.

    The higher of both counts: a rate that rises is followed at once.
    """

    running: Amounts = NOTHING
    last: Amounts = NOTHING
    window: int = 0

    def enter(self, window: int) -> "RecentRate":
        """Return the rate as it is in that window."""
        if window <= self.window:
            return self
        last = self.running if window == self.window + 1 else NOTHING
        return RecentRate(NOTHING, last, window)

    def add(self, cost: Amounts) -> "RecentRate":
        """Count a charge in the running window."""
        return RecentRate(self.running + cost, self.last, self.window)


NO_RATE: Final = RecentRate()
