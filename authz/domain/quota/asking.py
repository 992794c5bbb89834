"""The holder asks: for what a request needs, and ahead of need, that no steady caller waits.

At most one ask is under way. An answer counts for the ask that it answers only; one that comes late
or twice is ignored, and what it granted is learned from the next, as totals only grow.
"""

from dataclasses import replace

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.held_lease import HeldLease
from authz.domain.quota.holder import Closing, Holder, Sent, View
from authz.domain.quota.lease_messages import Answer, Ask, Gone, Granted, LeaseId
from authz.domain.quota.quota import Limits


def ask_for(holder: Holder, cost: Amounts, now: int) -> tuple[Holder, Ask]:
    """Ask for `cost` beyond what was consumed, and for a slice or for all that waits."""
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
        wanted=lease.consumed + slice_of(holder).at_least(cost + holder.backlog),
        opens=lease.granted == NOTHING,
    )
    asking = Sent(ask, now)
    return replace(holder, lease=lease, asking=asking, serial=holder.serial + 1, asked_at=now), ask


def renew_if_low(holder: Holder, now: int) -> tuple[Holder, tuple[Ask, ...]]:
    """Ask for another slice where half of one is left, and the ledger may have one."""
    if holder.asking is not None or holder.lease is None or now < holder.quiet_until:
        return holder, ()
    wanted = slice_of(holder)
    if wanted == NOTHING or holder.lease.left.covers(wanted.times(1, 2)):
        return holder, ()
    if holder.view is None or not _may_have(holder.view, wanted, holder, now):
        return holder, ()
    holder, ask = ask_for(holder, NOTHING, now)
    return holder, (ask,)


def slice_of(holder: Holder) -> Amounts:
    """Return what the holder should have at hand: nothing where the account is too small for it.

    That is what it recently charged in a slice of time, at most what refills in one.
    """
    if holder.view is None:
        return NOTHING
    rules, quota = holder.rules, holder.view.quota
    limits = Limits(quota.requests.limit, quota.tokens.limit, quota.month.limit)
    wanted = holder.rate.per_window.times(rules.slice, rules.window)
    wanted = wanted.at_most(limits.during(rules.slice))
    return wanted if wanted.requests and wanted.tokens else NOTHING


def hear(holder: Holder, ask: Ask, answer: Answer, now: int) -> Holder:
    """Take an answer in; its lease lives on from before it was asked for."""
    if holder.closing is not None and holder.closing.ask.serial == ask.serial:
        return replace(holder, closing=None, view=View(answer.quota, now))
    sent = holder.asking
    if sent is None or sent.ask.serial != ask.serial:
        return holder
    holder = replace(holder, asking=None, backlog=NOTHING, view=View(answer.quota, now))
    if isinstance(answer, Gone) or holder.lease is None:
        return replace(holder, lease=None)
    return replace(holder, lease=_granted(holder, holder.lease, sent, answer))


def miss(holder: Holder, ask: Ask, now: int) -> Holder:
    """Give up on an answer: what was done is unknown, and learned from the next one."""
    if holder.asking is None or holder.asking.ask.serial != ask.serial:
        return holder
    quiet_until = now + holder.rules.retry_after
    return replace(holder, asking=None, backlog=NOTHING, quiet_until=quiet_until)


def end_lease(holder: Holder, now: int) -> Holder:
    """Stop spending from a lease whose end has come, and prepare its return."""
    lease = holder.lease
    if lease is None or now < lease.ends_at or lease.granted == NOTHING:
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
        closes=True,
    )
    return replace(
        holder,
        lease=None,
        asking=None,
        backlog=NOTHING,
        closing=Closing(ask, now, now + holder.rules.life + holder.rules.grace),
        serial=holder.serial + 1,
    )


def _may_have(view: View, wanted: Amounts, holder: Holder, now: int) -> bool:
    quota, _ = view.at(now)
    return wanted.fitted(quota.room.times(1, holder.rules.room_divisor)) != NOTHING


def _granted(holder: Holder, lease: HeldLease, sent: Sent, answer: Granted) -> HeldLease:
    ends_at = sent.at + holder.rules.life if answer.extended else lease.ends_at
    return replace(lease.grow(answer.total), ends_at=ends_at, reported=sent.ask.spent)
