"""The holder charges: from its lease without asking anybody, and asks where no lease decides."""

from dataclasses import dataclass, replace

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.asking import ask_for, has_to_report_early, renew_if_low, report_early
from authz.domain.quota.held_lease import HeldLease
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Ask, LeaseId
from authz.domain.quota.outcome import Limited


@dataclass(frozen=True, slots=True)
class Charged:
    """The request may go; this settles it when its outcome is known."""

    lease: LeaseId
    batch: int
    cost: Amounts


@dataclass(frozen=True, slots=True)
class Waiting:
    """Whether it may go is known once the ask under way is answered: charge it again then."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No lease allows it, and the ledger failed to answer a moment ago."""


Outcome = Charged | Limited | Waiting | Unanswered


def charge(
    holder: Holder, cost: Amounts, now: int, behind: Amounts = NOTHING
) -> tuple[Holder, Outcome, tuple[Ask, ...]]:
    """Charge a request in all dimensions or in none; return also what is to be asked.

    `behind` is what waits behind this request, to be asked for with it.
    """
    holder = holder.enter(now)
    lease = holder.lease
    if lease is not None and lease.allows(cost, now):
        return _charge_lease(holder, lease, cost, now, behind)
    if (limited := _judge_by_view(holder, cost, now)) is not None:
        return _refuse(holder, limited, now)
    if holder.asking is not None:
        return holder, Waiting(), ()
    if now < holder.quiet_until:
        return holder, Unanswered(), ()
    holder, ask = ask_for(replace(holder, charged_at=now), cost, now, behind)
    return holder, Waiting(), (ask,)


def charge_held(holder: Holder, cost: Amounts, now: int) -> tuple[Holder, Charged] | None:
    """Charge from a lease that allows it, and ask nobody for anything."""
    holder = holder.enter(now)
    lease = holder.lease
    if lease is None or not lease.allows(cost, now):
        return None
    charged = Charged(lease.id, lease.unsettled.batch, cost)
    return holder.charge(lease, cost, now), charged


def settle(holder: Holder, charged: Charged, *, refund: bool) -> Holder:
    """Note once how a charged request ended: what is refunded may be charged anew at once.

    Nothing is refunded to a lease that ended, or to a charge that was settled by its age.
    """
    lease = holder.lease
    if lease is None or lease.id != charged.lease:
        return holder
    return replace(holder, lease=lease.settle(charged.cost, charged.batch, refund=refund))


def _charge_lease(
    holder: Holder, lease: HeldLease, cost: Amounts, now: int, behind: Amounts
) -> tuple[Holder, Outcome, tuple[Ask, ...]]:
    charged = Charged(lease.id, lease.unsettled.batch, cost)
    holder, asks = renew_if_low(holder.charge(lease, cost, now), now, behind)
    return holder, charged, asks


def _refuse(holder: Holder, limited: Limited, now: int) -> tuple[Holder, Outcome, tuple[Ask, ...]]:
    """Refuse, but first report where the wait would be longer than can be told yet.

    What stands in line is charged and refused in one moment, and not each made to wait for another.
    """
    if not has_to_report_early(holder, now):
        return holder, limited, ()
    is_exact_later = limited.wait is not None and holder.charged_at < now
    holder, asks = report_early(holder, now)
    return holder, Waiting() if is_exact_later else limited, asks


def _judge_by_view(holder: Holder, cost: Amounts, now: int) -> Limited | None:
    """Refuse by what the ledger said a moment ago; only it can say that there is room."""
    view = holder.view
    if view is None or now - view.heard_at >= holder.rules.view_life:
        return None
    quota, there = view.at(now)
    return quota.judge(cost, there, holder.left(now))
