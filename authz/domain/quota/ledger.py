"""The one account of what was spent and what is leased, which all holders share.

Two sums say it all: what was spent refills; what is leased does not, until its holder says that it
was spent or not. A grant needs room beside both. What is spent counts no later than it is admitted,
so (overshoot) no interval of any length, over any number of holders, sees more admitted than the
limit and what refills in it. And (undershoot) at no time is less admitted than by one bucket whose
limit is lower by the most that was leased, and not accounted for, at any one time before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.lease_messages import Answer, Ask, Gone, Granted, LeaseId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.quota import Limits, Quota


@dataclass(frozen=True, slots=True)
class Lease:
    """The ledger's side of a lease: totals, and when it will be taken as spent."""

    granted: Amounts
    spent: Amounts
    released: Amounts
    ends_at: int

    @property
    def open(self) -> Amounts:
        """What the holder has not accounted for: reserved, as it may be spent at any moment."""
        return self.granted - self.spent - self.released


@dataclass(frozen=True, slots=True)
class Ledger:
    """One account. What `quota` has reserved is the sum of what is open in the leases."""

    quota: Quota
    leases: Mapping[LeaseId, Lease] = field(default_factory=dict)


def advance(ledger: Ledger, limits: Limits, rules: LeaseRules, now: int) -> Ledger:
    """Return the ledger at `now`: refilled, resized, and without leases whose holder is silent.

    What those have open may have been spent, so it is taken as spent now: stranded, and never
    granted anew before it has refilled.
    """
    quota, leases = ledger.quota.at(now, limits), {}
    for lease_id, lease in ledger.leases.items():
        if lease.ends_at <= now:
            quota = quota.spend(lease.open, lease.open)
        elif lease.ends_at > now + rules.life + rules.grace:  # the clock was set back
            leases[lease_id] = replace(lease, ends_at=now + rules.life + rules.grace)
        else:
            leases[lease_id] = lease
    return Ledger(quota, leases)


def answer(
    ledger: Ledger, ask: Ask, limits: Limits, rules: LeaseRules, now: int
) -> tuple[Ledger, Answer]:
    """Book what the holder reports, then grant it what it needs, and as much as is fair."""
    ledger = advance(ledger, limits, rules, now)
    lease = ledger.leases.get(ask.lease)
    if lease is None and not ask.opens:
        return ledger, Gone(ask.lease, ledger.quota)
    is_new = lease is None
    lease = lease or Lease(NOTHING, NOTHING, NOTHING, now + rules.life + rules.grace)
    quota, lease = _book(ledger.quota, lease, ask)
    if is_new:
        quota = quota.refilled(ask.refilled)
    if ask.closes:
        return _close(Ledger(quota, ledger.leases), lease, ask.lease)
    return _grant(Ledger(quota, ledger.leases), lease, ask, rules, now)


def _book(quota: Quota, lease: Lease, ask: Ask) -> tuple[Quota, Lease]:
    """Book the totals. A late message has smaller ones, and books nothing.

    A holder that tells of more than this lease was granted had it from a lease of the same number
    that was taken as spent, and is booked here as well: too much, rather than too little.
    """
    spent = lease.spent.at_least(ask.spent)
    quota = quota.spend(spent - lease.spent, (spent - lease.spent).at_most(lease.open))
    granted = lease.granted.at_least(spent + lease.released)
    lease = replace(lease, granted=granted, spent=spent)
    released = ask.released.beyond(lease.released).at_most(lease.open)
    return quota.release(released), replace(lease, released=lease.released + released)


def _close(ledger: Ledger, lease: Lease, lease_id: LeaseId) -> tuple[Ledger, Answer]:
    """End a lease; what the holder never knew that it was granted goes back as well."""
    quota = ledger.quota.release(lease.open)
    leases = {other: each for other, each in ledger.leases.items() if other != lease_id}
    return Ledger(quota, leases), Gone(lease_id, quota)


def _grant(
    ledger: Ledger, lease: Lease, ask: Ask, rules: LeaseRules, now: int
) -> tuple[Ledger, Answer]:
    """Grant what is needed or nothing, and of what is wanted beyond it what leaves others some.

    A ledger above a limit that was lowered extends no lease: what is out is spent or back within a
    life.
    """
    quota = ledger.quota
    needed = ask.needed.beyond(lease.granted)
    granted = lease.granted
    if quota.judge(needed, now) is None:
        share = quota.room.times(1, rules.room_divisor)
        wanted = ask.wanted.beyond(lease.granted).fitted(share)
        granted += needed.at_least(wanted)
    extended = not quota.is_exceeded
    quota = quota.reserve(granted - lease.granted)
    ends_at = now + rules.life + rules.grace if extended else lease.ends_at
    leases = {**ledger.leases, ask.lease: replace(lease, granted=granted, ends_at=ends_at)}
    return Ledger(quota, leases), Granted(ask.lease, granted, extended, quota)
