"""The holder asks: for what a request needs, and ahead of need, that no steady caller waits.

At most one ask is under way. An answer counts for the ask that it answers only; one that comes late
or twice is ignored, and what it granted is learned from the next, as totals only grow.
"""

from dataclasses import replace

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.bucket import MINUTE
from authz.domain.quota.held_lease import HeldLease
from authz.domain.quota.holder import Closing, Holder, Sent, View
from authz.domain.quota.lease_messages import Answer, Ask, Gone, Granted, LeaseId


def ask_for(
    holder: Holder, cost: Amounts, now: int, behind: Amounts = NOTHING
) -> tuple[Holder, Ask]:
    """Ask for `cost` beyond what was consumed, and for a slice or for all that waits behind it."""
    holder = end_lease(holder, now)
    lease = holder.lease
    if lease is None:  # usable from the first answer on
        window = holder.rate.window
        lease = HeldLease(LeaseId(holder.id, holder.serial), ends_at=now).enter(window)
    ask = Ask(
        holder.serial,
        lease.id,
        lease.spent,
        lease.released,
        needed=lease.consumed + cost,
        wanted=lease.consumed + slice_of(holder).at_least(cost + behind),
        opens=lease.is_opening,
        refilled=lease.refilled,
    )
    asking = Sent(ask, now)
    return replace(holder, lease=lease, asking=asking, serial=holder.serial + 1, asked_at=now), ask


def renew_if_low(
    holder: Holder, now: int, behind: Amounts = NOTHING
) -> tuple[Holder, tuple[Ask, ...]]:
    """Ask for another slice where half of one is left, and the ledger may have one."""
    if holder.asking is not None or holder.lease is None or now < holder.quiet_until:
        return holder, ()
    if holder.lease.consumed.requests <= 1 or not is_low(holder, holder.lease):
        return holder, ()  # a single request may be the only one
    if holder.view is None or not _may_have(holder.view, slice_of(holder), holder, now):
        return holder, ()
    holder, ask = ask_for(holder, NOTHING, now, behind)
    return holder, (ask,)


def has_to_report_early(holder: Holder, now: int) -> bool:
    """Tell whether a wait would be told in vain: what was charged refills from its report on.

    There is no haste as long as anything else refills.
    """
    lease, view = holder.lease, holder.view
    if lease is None or view is None or now < holder.quiet_until:
        return False
    if lease.spent + lease.unsettled.total == lease.reported:
        return False
    return _runs_dry(view, holder, now)


def report_early(holder: Holder, now: int) -> tuple[Holder, tuple[Ask, ...]]:
    """Report all that was charged; a refund that comes later is too late for the lease."""
    if holder.asking is not None or holder.lease is None:
        return holder, ()
    holder, ask = ask_for(replace(holder, lease=holder.lease.settle_all()), NOTHING, now)
    return holder, (ask,)


def is_low(holder: Holder, lease: HeldLease) -> bool:
    """Tell whether less than half of a slice is left."""
    requests, tokens = _slice_of(holder)
    return lease.left.requests * 2 < requests or lease.left.tokens * 2 < tokens


def slice_of(holder: Holder) -> Amounts:
    """Return what the holder should have at hand: nothing where the account is too small for it.

    That is what it recently charged in a slice of time, at most what refills in one.
    """
    return Amounts(*_slice_of(holder))


def _slice_of(holder: Holder) -> tuple[int, int]:
    """Return it without making amounts of it, as every request passes here."""
    if holder.view is None:
        return 0, 0
    quota, running, last = holder.view.quota, holder.rate.running, holder.rate.last
    span, window = holder.rules.slice, holder.rules.window
    requests = max(running.requests, last.requests) * span // window
    requests = min(requests, quota.requests.limit * span // MINUTE)
    tokens = max(running.tokens, last.tokens) * span // window
    tokens = min(tokens, quota.tokens.limit * span // MINUTE)
    return (requests, tokens) if requests and tokens else (0, 0)


def hear(holder: Holder, ask: Ask, answer: Answer, now: int) -> Holder:
    """Take an answer in; its lease lives on from before it was asked for."""
    if ask.closes:
        closing = tuple(each for each in holder.closing if each.ask.serial != ask.serial)
        return replace(holder, closing=closing, view=View(answer.quota, now))
    sent = holder.asking
    if sent is None or sent.ask.serial != ask.serial:
        return holder
    holder = replace(holder, asking=None, view=View(answer.quota, now))
    if isinstance(answer, Gone) or holder.lease is None:
        return replace(holder, lease=None)
    return replace(holder, lease=_granted(holder, holder.lease, sent, answer))


def miss(holder: Holder, ask: Ask, now: int) -> Holder:
    """Give up on an answer: what was done is unknown, and learned from the next one."""
    if holder.asking is None or holder.asking.ask.serial != ask.serial:
        return holder
    quiet_until = now + holder.rules.retry_after
    return replace(holder, asking=None, quiet_until=quiet_until)


def disown(holder: Holder, ask: Ask, now: int) -> Holder:
    """Drop what the ledger keeps no account of: it knows of no such budget, or no more."""
    return replace(miss(holder, ask, now), lease=None, closing=())


def end_lease(holder: Holder, now: int) -> Holder:
    """Stop spending from a lease whose end has come, and prepare its return."""
    lease = holder.lease
    if lease is None or now < lease.ends_at or lease.is_opening:
        return holder
    return close_lease(holder, lease, now)


def close_lease(holder: Holder, lease: HeldLease, now: int) -> Holder:
    """Stop spending from a lease, and prepare its return; no answer is awaited any more."""
    closed = lease.close()
    ask = Ask(
        holder.serial,
        closed.id,
        closed.spent,
        closed.released,
        needed=NOTHING,
        wanted=NOTHING,
        opens=lease.is_owing,
        closes=True,
        refilled=lease.refilled,
    )
    return replace(
        holder,
        lease=None,
        asking=None,
        closing=(*holder.closing, Closing(ask, now, now + holder.rules.life + holder.rules.grace)),
        serial=holder.serial + 1,
    )


def _runs_dry(view: View, holder: Holder, now: int) -> bool:
    """Tell whether nothing more would refill before the next report is due."""
    _, there = view.at(now)
    report_at = there + 2 * holder.rules.window
    quota = view.quota.at(report_at)
    return quota.requests.spent == 0 or quota.tokens.spent == 0


def _may_have(view: View, wanted: Amounts, holder: Holder, now: int) -> bool:
    quota, _ = view.at(now)
    return wanted.fitted(quota.room.times(1, holder.rules.room_divisor)) != NOTHING


def _granted(holder: Holder, lease: HeldLease, sent: Sent, answer: Granted) -> HeldLease:
    ends_at = sent.at + holder.rules.life if answer.extended else lease.ends_at
    return replace(lease.grow(answer.total), ends_at=ends_at, reported=sent.ask.spent)
