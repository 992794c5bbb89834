"""Sums over charges, as they are told to PostgreSQL: totals that only grow."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from authz.domain.usage.charge import User


@dataclass(frozen=True, slots=True)
class Tally:
    """What was charged, and what of it was refunded.

    `failures` are refunds of requests that the model was asked about. `returned_tokens` are those
    of `refunded_tokens` that no lease took back, so that the month has to.
    """

    requests: int = 0
    tokens: int = 0
    failures: int = 0
    refunded_requests: int = 0
    refunded_tokens: int = 0
    returned_tokens: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.requests + other.requests,
            self.tokens + other.tokens,
            self.failures + other.failures,
            self.refunded_requests + other.refunded_requests,
            self.refunded_tokens + other.refunded_tokens,
            self.returned_tokens + other.returned_tokens,
        )


NOTHING: Final = Tally()


@dataclass(frozen=True, slots=True)
class Counter:
    """One user's tally of a minute, counted since 1970, by one writer.

    `slot` is the journal's own name of the user and the writer.
    """

    minute: int
    slot: int
    user: User
    writer: UUID
    tally: Tally
