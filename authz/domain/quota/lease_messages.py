"""What holders and the ledger say to each other.

Every amount a holder tells is a total since its lease began, and grows only. So a message that is
lost, repeated or late changes nothing that a later one does not correct: there is no need to know
whether a statement was committed.
"""

from dataclasses import dataclass
from typing import NewType
from uuid import UUID

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.quota import Quota

BudgetId = NewType("BudgetId", UUID)
"""What has limits and a ledger of its own: an account, by its id, or a key, by its."""

HolderId = NewType("HolderId", str)
"""One incarnation of one process: what starts again is another holder."""


@dataclass(frozen=True, slots=True)
class LeaseId:
    """The holder's lease number so many; a number is never used again."""

    holder: HolderId
    number: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A report and a wish, in totals of the lease.

    `spent` is what was charged and will not be refunded, `released` what is given back unspent. The
    holder needs `needed` to be granted, all or nothing, and would like `wanted`. `opens`: it holds
    nothing of this lease yet. `closes`: it has stopped spending, and `spent` and `released` are
    all. No two asks of a holder have the same serial number.

    A lease that `opens` may begin with more spent than was granted: by a holder on its own, while
    there was no ledger to ask. Of that so much has `refilled` since; the month has it spent all.
    """

    serial: int
    lease: LeaseId
    spent: Amounts
    released: Amounts
    needed: Amounts
    wanted: Amounts
    opens: bool = False
    closes: bool = False
    refilled: Amounts = NOTHING


@dataclass(frozen=True, slots=True)
class Granted:
    """What the lease holds in total; `extended`: for another life, counted from before the ask.

    What was needed may not be among it; `quota`, the account's after the grant, says why.
    """

    lease: LeaseId
    total: Amounts
    extended: bool
    quota: Quota


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such lease: it was closed, or its holder was silent for too long."""

    lease: LeaseId
    quota: Quota


Answer = Granted | Gone
