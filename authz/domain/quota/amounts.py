"""What is charged and leased: whole requests and whole tokens."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Dimension(StrEnum):
    """Each limit that a request is charged against; a token counts twice, by minute and month."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Amounts:
    """Requests and tokens that belong together: what one request costs, or what a lease holds."""

    requests: int
    tokens: int

    def __add__(self, other: "Amounts") -> "Amounts":
        return Amounts(self.requests + other.requests, self.tokens + other.tokens)

    def __sub__(self, other: "Amounts") -> "Amounts":
        return Amounts(self.requests - other.requests, self.tokens - other.tokens)

    def beyond(self, other: "Amounts") -> "Amounts":
        """Return what of this is missing in `other`, never less than nothing."""
        return Amounts(max(0, self.requests - other.requests), max(0, self.tokens - other.tokens))

    def covers(self, other: "Amounts") -> bool:
        """Tell whether `other` is within this in both."""
        return self.requests >= other.requests and self.tokens >= other.tokens

    def at_most(self, other: "Amounts") -> "Amounts":
        """Return the smaller of each."""
        return Amounts(min(self.requests, other.requests), min(self.tokens, other.tokens))

    def at_least(self, other: "Amounts") -> "Amounts":
        """Return the larger of each."""
        return Amounts(max(self.requests, other.requests), max(self.tokens, other.tokens))

    def times(self, multiplier: int, divisor: int) -> "Amounts":
        """Return the fraction of each, rounded down."""
        return Amounts(self.requests * multiplier // divisor, self.tokens * multiplier // divisor)

    def fitted(self, room: "Amounts") -> "Amounts":
        """Return the same part of each that `room` has a place for; nothing, if of one nothing."""
        part = self
        if part.requests > room.requests:
            part = self.times(max(0, room.requests), self.requests)
        if part.tokens > room.tokens:
            part = self.times(max(0, room.tokens), self.tokens)
        lost_one = (self.requests > 0 and not part.requests) or (
            self.tokens > 0 and not part.tokens
        )
        return NOTHING if lost_one else part


NOTHING: Final = Amounts(0, 0)
