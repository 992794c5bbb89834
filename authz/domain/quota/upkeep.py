"""What a holder does as time passes: reports, renews, and returns what it does not use."""

from dataclasses import replace
from typing import Final

from authz.domain.quota.amounts import NOTHING
from authz.domain.quota.asking import (
    ask_for,
    close_lease,
    end_lease,
    is_low,
    renew_if_low,
    slice_of,
)
from authz.domain.quota.held_lease import HeldLease
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Ask

_LOW: Final = 250_000
"""How often a holder that is low looks whether the ledger may have something again."""


def tend(holder: Holder, now: int) -> tuple[Holder, tuple[Ask, ...]]:
    """Do what is due."""
    holder = holder.enter(now)
    if holder.asking is None:
        holder = end_lease(holder, now)
    lease = holder.lease
    if lease is not None and _is_over(holder, lease, now):
        holder = close_lease(holder, lease, now)
    holder, renewals = _renew(holder, now)
    holder, returns = _return(holder, now)
    return holder, renewals + returns


def next_due(holder: Holder, now: int) -> int | None:
    """Return before when `tend` has nothing to ask, unless something is charged or answered."""
    times = [closing.due_at for closing in holder.closing]
    if holder.lease is not None and holder.asking is None:
        if not holder.lease.is_owing:
            times.append(holder.charged_at + holder.rules.idle_after)
        if not holder.lease.is_opening:
            times.append(holder.lease.ends_at)
        times += [max(at, holder.quiet_until) for at in _asks_due(holder, holder.lease, now)]
    return min(times, default=None)


def stop(holder: Holder, now: int) -> tuple[Holder, tuple[Ask, ...]]:
    """Return all at once, because the process ends; what is unsettled counts as spent."""
    if holder.lease is not None:
        holder = close_lease(holder, holder.lease, now)
    closing = tuple(replace(each, due_at=now) for each in holder.closing)
    return _return(replace(holder, closing=closing), now)


def _is_over(holder: Holder, lease: HeldLease, now: int) -> bool:
    """Tell whether a lease is to be returned: it is idle, or its report would be all it is for."""
    if holder.asking is not None or lease.is_owing:
        return False
    if now >= holder.charged_at + holder.rules.idle_after:
        return True
    is_used_up = lease.left == NOTHING and lease.unsettled.total == NOTHING
    return is_used_up and _has_to_report(holder, lease, now)


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


def _asks_due(holder: Holder, lease: HeldLease, now: int) -> list[int]:
    rules, times = holder.rules, []
    report_at = holder.asked_at + rules.report_every
    if lease.spent != lease.reported:
        times.append(report_at)
    if lease.unsettled.total != NOTHING:
        windows = 1 if lease.unsettled.old != NOTHING else 2
        times.append(max(report_at, (lease.unsettled.window + windows) * rules.window))
    if lease.left != NOTHING:
        times.append(lease.ends_at - rules.life // 2)
    if is_low(holder, lease):
        times.append(now + _LOW)
    return times


def _has_to_report(holder: Holder, lease: HeldLease, now: int) -> bool:
    """What is not reported does not refill."""
    return lease.spent != lease.reported and now >= holder.asked_at + holder.rules.report_every


def _ages(holder: Holder, lease: HeldLease, now: int) -> bool:
    return lease.left != NOTHING and lease.ends_at - now <= holder.rules.life // 2


def _return(holder: Holder, now: int) -> tuple[Holder, tuple[Ask, ...]]:
    """Send the returns of leases, and again until they are answered."""
    if not holder.closing:
        return holder, ()
    due_at = now + holder.rules.retry_after
    # What has ended otherwise was taken as spent by the ledger.
    closing = [each for each in holder.closing if now < each.ends_at]
    due = [each.ask for each in closing if each.due_at <= now]
    closing = [replace(each, due_at=due_at) if each.due_at <= now else each for each in closing]
    return replace(holder, closing=tuple(closing)), tuple(due)
