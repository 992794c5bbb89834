"""What a holder does as time passes: reports, renews, and returns what it does not use."""

from dataclasses import replace

from authz.domain.quota.amounts import NOTHING
from authz.domain.quota.asking import ask_for, close_lease, end_lease, renew_if_low, slice_of
from authz.domain.quota.held_lease import HeldLease
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Ask


def tend(holder: Holder, now: int) -> tuple[Holder, tuple[Ask, ...]]:
    """Do what is due; to be called several times a second while there is a lease."""
    holder = holder.enter(now)
    if holder.asking is None:
        holder = end_lease(holder, now)
    lease = holder.lease
    if (
        lease is not None
        and holder.asking is None
        and now >= holder.charged_at + holder.rules.idle_after
    ):
        holder = close_lease(holder, lease, now)
    holder, renewals = _renew(holder, now)
    holder, returns = _return(holder, now)
    return holder, renewals + returns


def stop(holder: Holder, now: int) -> tuple[Holder, tuple[Ask, ...]]:
    """Return the lease at once, because the process ends; what is unsettled counts as spent."""
    if holder.lease is not None:
        holder = close_lease(holder, holder.lease, now)
    return _return(holder, now)


def _renew(holder: Holder, now: int) -> tuple[Holder, tuple[Ask, ...]]:
    lease = holder.lease
    if lease is None or holder.asking is not None or now < holder.quiet_until:
        return holder, ()
    if not (_has_to_report(holder, lease, now) or _ages(holder, lease, now)):
        return renew_if_low(holder, now)
    spare = lease.left.beyond(slice_of(holder).times(2, 1))
    if spare != NOTHING and slice_of(holder) != NOTHING:  # the rate fell: others may need it
        holder = replace(holder, lease=lease.release(spare))
    holder, ask = ask_for(holder, NOTHING, now)
    return holder, (ask,)


def _has_to_report(holder: Holder, lease: HeldLease, now: int) -> bool:
    """What is not reported does not refill."""
    return lease.spent != lease.reported and now >= holder.asked_at + holder.rules.report_every


def _ages(holder: Holder, lease: HeldLease, now: int) -> bool:
    return lease.left != NOTHING and lease.ends_at - now <= holder.rules.life // 2


def _return(holder: Holder, now: int) -> tuple[Holder, tuple[Ask, ...]]:
    """Send the return of a lease, and again until it is answered."""
    closing = holder.closing
    if closing is None or now < closing.due_at:
        return holder, ()
    if now >= closing.ends_at:  # the ledger has taken it as spent
        return replace(holder, closing=None), ()
    due_at = now + holder.rules.retry_after
    return replace(holder, closing=replace(closing, due_at=due_at)), (closing.ask,)
