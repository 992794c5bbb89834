"""The holder's side of a lease: what is left of it, charged without asking anybody."""

from dataclasses import dataclass, replace

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.lease_messages import LeaseId
from authz.domain.quota.unsettled import ALL_SETTLED, Unsettled


@dataclass(frozen=True, slots=True)
class HeldLease:
    """All that was granted is left, unsettled, spent or released, and nothing is in two of them.

    `spent` and `released` only grow: they are what the ledger is told; of `spent` it has confirmed
    `reported`. `ends_at` is by the holder's clock. A lease `is_owing` that begins with a debt, of
    which so much has `refilled`, until the ledger has answered for it.
    """

    id: LeaseId
    ends_at: int
    granted: Amounts = NOTHING
    left: Amounts = NOTHING
    unsettled: Unsettled = ALL_SETTLED
    spent: Amounts = NOTHING
    released: Amounts = NOTHING
    reported: Amounts = NOTHING
    is_owing: bool = False
    refilled: Amounts = NOTHING

    @property
    def is_opening(self) -> bool:
        """Whether the ledger may not know of it yet."""
        return self.is_owing or self.granted == NOTHING

    @property
    def consumed(self) -> Amounts:
        """What is not left: the total from which needs and wishes count."""
        return self.granted - self.left

    def allows(self, cost: Amounts, now: int) -> bool:
        """Tell whether `cost` may be charged at `now`, the moment of the decision."""
        return now < self.ends_at and self.left.covers(cost)

    def charge(self, cost: Amounts) -> "HeldLease":
        """Charge what is allowed."""
        return HeldLease(
            self.id,
            self.ends_at,
            self.granted,
            self.left - cost,
            self.unsettled.add(cost),
            self.spent,
            self.released,
            self.reported,
            self.is_owing,
            self.refilled,
        )

    def enter(self, window: int) -> "HeldLease":
        """Settle what is old enough in that window."""
        unsettled, settled = self.unsettled.enter(window)
        if unsettled is self.unsettled:
            return self
        return replace(self, unsettled=unsettled, spent=self.spent + settled)

    def settle(self, cost: Amounts, batch: int, *, refund: bool) -> "HeldLease":
        """Settle a charge of that batch, once; what was settled by its age stays spent."""
        unsettled = self.unsettled.take(cost, batch)
        if unsettled is None:
            return self
        if refund:
            return replace(self, unsettled=unsettled, left=self.left + cost)
        return replace(self, unsettled=unsettled, spent=self.spent + cost)

    def settle_all(self) -> "HeldLease":
        """Settle every charge, whatever becomes of it."""
        spent = self.spent + self.unsettled.total
        return replace(self, unsettled=self.unsettled.settle_all(), spent=spent)

    def grow(self, granted: Amounts) -> "HeldLease":
        """Hold the new total; an older answer holds a smaller one, and changes nothing."""
        more = granted.beyond(self.granted)
        return replace(self, granted=self.granted + more, left=self.left + more, is_owing=False)

    def owe(self, granted: Amounts, refilled: Amounts) -> "HeldLease":
        """Owe more, of which so much has refilled."""
        return replace(
            self,
            granted=self.granted + granted,
            spent=self.spent + granted,
            refilled=self.refilled + refilled,
        )

    def release(self, amounts: Amounts) -> "HeldLease":
        """Give up what is left."""
        return replace(self, left=self.left - amounts, released=self.released + amounts)

    def close(self) -> "HeldLease":
        """Give up all: what is unsettled counts as spent."""
        spent = self.spent + self.unsettled.total
        released = self.released + self.left
        return replace(self, left=NOTHING, unsettled=ALL_SETTLED, spent=spent, released=released)
