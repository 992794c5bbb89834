"""The holder charges: from its lease without asking anybody, and asks where no lease decides."""

from dataclasses import dataclass, replace

from authz.domain.quota.amounts import Amounts
from authz.domain.quota.asking import ask_for, renew_if_low
from authz.domain.quota.held_lease import HeldLease
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Ask, LeaseId
from authz.domain.quota.outcome import Limited


@dataclass(frozen=True, slots=True)
class Charged:
    """The request may go; this settles it when its outcome is known."""

    lease: LeaseId
    window: int
    cost: Amounts


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether it may go is known once the ask under way is answered: charge it again then."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No lease allows it, and the ledger failed to answer a moment ago."""


Outcome = Charged | Limited | Waiting | Unanswered


def charge(holder: Holder, cost: Amounts, now: int) -> tuple[Holder, Outcome, tuple[Ask, ...]]:
    """Charge a request in all dimensions or in none; return also what is to be asked."""
    holder = holder.enter(now)
    lease = holder.lease
    if lease is not None and lease.allows(cost, now):
        return _charge_lease(holder, lease, cost, now)
    if (limited := _judge_by_view(holder, cost, now)) is not None:
        return holder, limited, ()
    if holder.asking is not None:
        return replace(holder, backlog=holder.backlog + cost), Waiting(), ()
    if now < holder.quiet_until:
        return holder, Unanswered(), ()
    holder, ask = ask_for(replace(holder, charged_at=now), cost, now)
    return holder, Waiting(), (ask,)


def settle(holder: Holder, charged: Charged, *, refund: bool) -> Holder:
    """Note once how a charged request ended: what is refunded may be charged anew at once.

    Nothing is refunded to a lease that ended, or to a charge that was settled by its age.
    """
    lease = holder.lease
    if lease is None or lease.id != charged.lease:
        return holder
    return replace(holder, lease=lease.settle(charged.cost, charged.window, refund=refund))


def _charge_lease(
    holder: Holder, lease: HeldLease, cost: Amounts, now: int
) -> tuple[Holder, Outcome, tuple[Ask, ...]]:
    charged = Charged(lease.id, lease.unsettled.window, cost)
    holder = replace(holder, lease=lease.charge(cost), rate=holder.rate.add(cost), charged_at=now)
    holder, asks = renew_if_low(holder, now)
    return holder, charged, asks


def _judge_by_view(holder: Holder, cost: Amounts, now: int) -> Limited | None:
    """Refuse by what the ledger said a moment ago; only it can say that there is room."""
    view = holder.view
    if view is None or now - view.heard_at >= holder.rules.view_life:
        return None
    quota, there = view.at(now)
    return quota.judge(cost, there, holder.left(now))
