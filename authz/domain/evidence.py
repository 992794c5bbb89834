"""What a charge was decided by, for whoever asks later why a request was refused."""

from dataclasses import dataclass
from enum import StrEnum

from authz.domain.quota.amounts import Amounts
from authz.domain.quota.outcome import Limited


class Whose(StrEnum):
    """Whose limits they are."""

    ACCOUNT = "account"
    KEY = "key"


class Source(StrEnum):
    """What told how much there is: a lease at hand, the ledger, or in an outage this process."""

    LEASE = "lease"
    LEDGER = "ledger"
    OUTAGE = "outage"


@dataclass(frozen=True, slots=True)
class Evidence:
    """How a charge was decided.

    `left` is what the lease held after it, and `lease_ends_in` is in microseconds; both are absent
    where there was no lease. `limited` is there under `shadow` too, where it refuses nothing.
    """

    cost: Amounts
    limited: Limited | None
    budget: Whose
    source: Source
    left: Amounts | None = None
    lease_ends_in: int | None = None
    shadow: bool = False
