"""What comes of asking for a charge, as values; errors and headers are made from them later."""

from dataclasses import dataclass

from authz.domain.quota.amounts import Dimension


@dataclass(frozen=True, slots=True)
class Limited:
    """The dimension that stands in the way for longest; nothing was charged in any.

    `used` and `requested` are whole units and exceed `limit` together. `wait` is in microseconds;
    without one, the request never fits, as it is larger than the limit.
    """

    dimension: Dimension
    limit: int
    used: int
    requested: int
    wait: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the headers tell of one dimension; `reset` is microseconds until the bucket is full."""

    limit: int
    remaining: int
    reset: int


@dataclass(frozen=True, slots=True)
class Standings:
    """What the headers tell."""

    requests: Standing
    tokens: Standing
