"""What one process knows of one account: a lease, what it asked for, and what it last heard.

The clock is the holder's own: monotonic, and running while the machine sleeps.
"""

from dataclasses import dataclass, replace

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.held_lease import HeldLease
from authz.domain.quota.lease_messages import Ask, HolderId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.outcome import Standings
from authz.domain.quota.quota import Quota
from authz.domain.quota.unsettled import NO_RATE, RecentRate


@dataclass(frozen=True, slots=True)
class Sent:
    """An ask under way, and the moment before it was sent."""

    ask: Ask
    at: int


@dataclass(frozen=True, slots=True)
class Closing:
    """The return of a lease, sent anew from `due_at` on, and of no use after `ends_at`."""

    ask: Ask
    due_at: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class View:
    """The account's quota as the ledger last told it, and when that was heard."""

    quota: Quota
    heard_at: int

    def at(self, now: int) -> tuple[Quota, int]:
        """Return the quota refilled to now, and what the ledger's clock says by then."""
        there = self.quota.requests.at + now - self.heard_at
        return self.quota.at(there), there


@dataclass(frozen=True, slots=True)
class Holder:
    """What a process knows of an account.

    `asking` is the ask that an answer is awaited for: at most one. `closing` are leases that are
    being returned; nothing of them is spent any more.
    """

    id: HolderId
    rules: LeaseRules
    lease: HeldLease | None = None
    asking: Sent | None = None
    closing: tuple[Closing, ...] = ()
    view: View | None = None
    rate: RecentRate = NO_RATE
    serial: int = 0
    quiet_until: int = 0
    charged_at: int = 0
    asked_at: int = 0

    def enter(self, now: int) -> "Holder":
        """Return the holder in the window of time that `now` is in; settles what is old enough."""
        window = now // self.rules.window
        if window <= self.rate.window:
            return self
        lease = None if self.lease is None else self.lease.enter(window)
        return replace(self, lease=lease, rate=self.rate.enter(window))

    def left(self, now: int) -> Amounts:
        """What may be charged without asking."""
        lease = self.lease
        return lease.left if lease is not None and now < lease.ends_at else NOTHING

    def charge(self, lease: HeldLease, cost: Amounts, now: int) -> "Holder":
        """Charge what the lease allows."""
        return Holder(  # spelled out, as every request passes here, and replace() takes thrice that
            self.id,
            self.rules,
            lease.charge(cost),
            self.asking,
            self.closing,
            self.view,
            self.rate.add(cost),
            self.serial,
            self.quiet_until,
            now,
            self.asked_at,
        )

    def month_left(self, now: int) -> int | None:
        """Return how many of the month's tokens are left; nothing before the first answer."""
        if self.view is None:
            return None
        there = self.view.quota.requests.at + now - self.view.heard_at
        return self.view.quota.month.left(there, self.left(now).tokens)

    def standing(self, now: int) -> Standings | None:
        """Return what headers say of requests and tokens; nothing before the first answer."""
        if self.view is None:
            return None
        requests, tokens, left = self.view.quota.requests, self.view.quota.tokens, self.left(now)
        there = requests.at + now - self.view.heard_at
        return Standings(
            requests.standing(there, left.requests), tokens.standing(there, left.tokens)
        )
