"""The holder owes: what it granted while there was no ledger to ask is told once there is."""

from dataclasses import dataclass, replace

from authz.domain.quota.amounts import Amounts
from authz.domain.quota.asking import close_lease
from authz.domain.quota.held_lease import HeldLease
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import LeaseId


@dataclass(frozen=True, slots=True)
class Debt:
    """What was granted without the ledger; of that so much has refilled since."""

    granted: Amounts
    refilled: Amounts


def owe(holder: Holder, debt: Debt, now: int) -> Holder:
    """Begin a lease with a debt, which is told with its next ask, again until it is answered.

    It is another lease than the one that is held: the ledger would take what that has left for it.
    An earlier debt that is not told yet grows by this one: told of a lease of its own that is
    returned, it would be booked again whenever an answer is lost.
    """
    lease = holder.lease
    if lease is not None and lease.is_owing:
        return replace(holder, lease=lease.owe(debt.granted, debt.refilled), asking=None)
    if lease is not None:
        holder = close_lease(holder, lease, now)
    lease = HeldLease(
        LeaseId(holder.id, holder.serial),
        ends_at=now,
        granted=debt.granted,
        spent=debt.granted,
        is_owing=True,
        refilled=debt.refilled,
    )
    lease = lease.enter(holder.rate.window)
    return replace(holder, lease=lease, serial=holder.serial + 1)


def is_owing(holder: Holder) -> bool:
    """Tell whether the ledger may not know of a debt yet."""
    return holder.lease is not None and holder.lease.is_owing
