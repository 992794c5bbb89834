"""What comes of a charge, for the check that asked for it."""

from dataclasses import dataclass
from typing import Final

from authz.domain.evidence import Evidence
from authz.domain.quota.charging import Charged
from authz.domain.quota.outcome import Limited, Standings


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a refund needs; nothing where nothing was charged to a lease."""

    account: Charged | None
    key: Charged | None


NO_TICKET: Final = Ticket(None, None)


@dataclass(frozen=True, slots=True)
class Admitted:
    """The request may pass."""

    ticket: Ticket
    standing: Standings
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Refused:
    """A limit stands in the way; nothing was charged."""

    limited: Limited
    standing: Standings
    evidence: Evidence


Decision = Admitted | Refused
