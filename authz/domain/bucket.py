"""Token-bucket arithmetic: a limit per minute that refills without steps.

A bucket holds at most `limit` and refills `limit` a minute, so any interval of t minutes sees at
most `limit * (1 + t)`. The statement in `storage/request_buckets.py` is this arithmetic in SQL; one
property test holds the two together.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """How much of `limit` was used at one moment, in seconds of the caller's clock."""

    limit: int
    used: float
    at: float

    def refill(self, now: float) -> "Bucket":
        """Return the bucket at `now`; a clock that went back refills nothing."""
        elapsed = max(0.0, now - self.at)
        used = max(0.0, self.used - elapsed * self.limit / _SECONDS)
        return Bucket(self.limit, used, max(now, self.at))

    def take(self, asked: int, now: float) -> tuple[int, "Bucket"]:
        """Take up to `asked`; return how many were granted, and the bucket after."""
        bucket = self.refill(now)
        granted = max(0, min(asked, math.floor(bucket.limit - bucket.used)))
        return granted, Bucket(bucket.limit, bucket.used + granted, bucket.at)

    def owe(self, amount: float, now: float) -> "Bucket":
        """Return the bucket with what was granted elsewhere, even beyond its limit."""
        bucket = self.refill(now)
        return Bucket(bucket.limit, bucket.used + amount, bucket.at)

    def resize(self, limit: int) -> "Bucket":
        """Return the bucket under another limit; what was used stays used."""
        return self if limit == self.limit else Bucket(limit, self.used, self.at)

    @property
    def remaining(self) -> int:
        """Whole requests that fit now."""
        return max(0, math.floor(self.limit - self.used))

    @property
    def time_until_full(self) -> timedelta:
        """When nothing will be used any more, if nothing else is asked."""
        return timedelta(seconds=self.used * _SECONDS / self.limit)

    @property
    def time_until_one_fits(self) -> timedelta:
        """When the next request will fit; nothing where one fits now."""
        missing = max(0.0, self.used + 1 - self.limit)
        return timedelta(seconds=missing * _SECONDS / self.limit)
