"""One limit per minute: a token bucket in whole numbers, with room set aside for leases.

Time is in microseconds of the caller's clock, which is as fine as PostgreSQL's. What was spent is
kept in grains, of which a unit (a request, a token) has as many as a minute has microseconds. So a
limit of n a minute refills exactly n grains a microsecond: nothing is ever rounded, nothing drifts,
and 100,000,000 a minute takes less than a thousandth of what a 64-bit integer holds.
"""

from dataclasses import dataclass
from typing import Final

from authz.domain.quota.amounts import Dimension
from authz.domain.quota.outcome import Limited, Standing

MINUTE: Final = 60_000_000
"""Microseconds; and grains in a unit."""

_CLOCK_WAS_SET_BACK: Final = 5_000_000
"""Microseconds from which a bucket from the future is a corrected clock and not two that differ."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What of `limit` units is taken at the time `at`.

    `spent` grains refill, `limit` each microsecond. `reserved` units are leased: they may be spent
    at any moment, so they do not refill before they are. Room is what neither takes. While only
    what there is room for is reserved or spent, no interval of any length sees more spent than
    `limit` and what refills in it, however long a reservation lasts.
    """

    limit: int
    spent: int = 0
    reserved: int = 0
    at: int = 0

    @property
    def taken(self) -> int:
        """Grains that are spent or reserved."""
        return self.spent + self.reserved * MINUTE

    @property
    def room(self) -> int:
        """Whole units that fit now."""
        return max(0, (self.limit * MINUTE - self.taken) // MINUTE)

    @property
    def is_exceeded(self) -> bool:
        """Whether more is taken than the limit, which only a lowered limit brings about."""
        return self.taken > self.limit * MINUTE

    def refill(self, now: int) -> "Bucket":
        """Return the bucket at `now`; a clock that went back refills nothing."""
        if now <= self.at:
            at = now if self.at - now > _CLOCK_WAS_SET_BACK else self.at
            return self if at == self.at else Bucket(self.limit, self.spent, self.reserved, at)
        spent = max(0, self.spent - (now - self.at) * self.limit)
        return Bucket(self.limit, spent, self.reserved, now)

    def resize(self, limit: int, now: int) -> "Bucket":
        """Return the bucket under another limit from `now` on: what is taken stays taken."""
        bucket = self.refill(now)
        return Bucket(limit, bucket.spent, bucket.reserved, bucket.at)

    def reserve(self, units: int) -> "Bucket":
        """Set units aside, for which there must be room."""
        return Bucket(self.limit, self.spent, self.reserved + units, self.at)

    def spend(self, units: int, reserved: int = 0) -> "Bucket":
        """Spend units, of which so many were reserved: from now on they refill."""
        return Bucket(self.limit, self.spent + units * MINUTE, self.reserved - reserved, self.at)

    def release(self, units: int) -> "Bucket":
        """Give reserved units up unspent: there is room for them at once, and never for more."""
        return Bucket(self.limit, self.spent, self.reserved - units, self.at)

    def judge(self, units: int, dimension: Dimension, held: int = 0) -> Limited | None:
        """Say why `units`, of which the caller holds some already, do not fit; nothing if they do.

        The wait is exact where nothing else is taken meanwhile and what is reserved is spent: they
        fit at its end, and not a microsecond sooner.
        """
        missing = self.taken + (units - held - self.limit) * MINUTE
        if units <= held or missing <= 0:
            return None
        wait = None if units > self.limit else -(-missing // self.limit)
        used = -(-self.taken // MINUTE) - held
        return Limited(dimension, self.limit, used, units, wait)

    def standing(self, now: int, held: int = 0) -> Standing:
        """Return what the headers say at `now` to a caller whose lease has `held` units left."""
        spent = max(0, self.spent - max(0, now - self.at) * self.limit)
        taken = max(0, spent + (self.reserved - held) * MINUTE)
        remaining = max(0, self.limit - -(-taken // MINUTE))
        return Standing(self.limit, remaining, -(-taken // self.limit))
