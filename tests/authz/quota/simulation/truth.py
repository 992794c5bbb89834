"""What must hold, worked out from the log of admissions alone, in whole grains and without slack.

That no interval of any length sees more than the limit and its refill is the same as that one
bucket, fed with every admission, never overflows; so each step is checked at once.
"""

from collections import Counter
from dataclasses import dataclass, field

from authz.domain.quota.allowance import calendar_month
from authz.domain.quota.amounts import Amounts
from authz.domain.quota.bucket import MINUTE
from authz.domain.quota.quota import Limits, Quota


class BrokenPromiseError(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class TrueBucket:
    """One dimension of the log, in grains; what was leased under a higher limit may finish."""

    limit: int
    finishing: int
    level: int = 0
    at: int = 0
    lowered_at: int = 0
    lowered_from: int = 0

    def drain(self, now: int) -> None:
        """Let time pass."""
        self.level = max(0, self.level - (now - self.at) * self.limit)
        self.at = now

    def resize(self, limit: int, now: int) -> None:
        """Change the limit."""
        self.drain(now)
        self.lowered_from = max(self.ceiling, self.limit * MINUTE)
        self.limit, self.lowered_at = limit, now

    def pour(self, units: int, now: int) -> None:
        """Admit."""
        self.drain(now)
        self.level += units * MINUTE

    @property
    def ceiling(self) -> int:
        """Grains that may be in the bucket at most."""
        drained = max(0, self.at - self.lowered_at - self.finishing) * self.limit
        return max(self.limit * MINUTE, self.lowered_from - drained)


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that was let through, by the ledger's clock."""

    at: int
    cost: Amounts


@dataclass(frozen=True, slots=True)
class Resize:
    """A change of the limits per minute."""

    at: int
    limits: Limits


@dataclass(slots=True)
class Truth:
    """The log of admissions that were not refunded, and the buckets that it fills."""

    limits: Limits
    finishing: int
    started_at: int
    log: list[Admission | Resize] = field(default_factory=list)
    months: Counter[int] = field(default_factory=Counter)
    requests: TrueBucket = field(init=False)
    tokens: TrueBucket = field(init=False)

    def __post_init__(self) -> None:
        self._empty()

    def admit(self, admission: Admission) -> None:
        """Add to the log; it must fit."""
        self.log.append(admission)
        self._pour(admission)
        self._check(admission.at)

    def refund(self, admission: Admission) -> None:
        """Take a failed request out of the log, as if it had never been let through."""
        for place in range(len(self.log) - 1, -1, -1):
            if self.log[place] is admission:
                del self.log[place]
                break
        self.months.clear()
        self._empty()
        for entry in self.log:
            if isinstance(entry, Admission):
                self._pour(entry)
            else:
                self._resize(entry)

    def resize(self, resize: Resize) -> None:
        """Change the limits."""
        self.log.append(resize)
        self._resize(resize)

    def admitted(self, since: int) -> Amounts:
        """Return what was let through from then on."""
        entries = [each for each in self.log if isinstance(each, Admission) and each.at >= since]
        return Amounts(
            sum(each.cost.requests for each in entries), sum(each.cost.tokens for each in entries)
        )

    def _empty(self) -> None:
        self.requests = TrueBucket(
            self.limits.requests_per_minute, self.finishing, at=self.started_at
        )
        self.tokens = TrueBucket(self.limits.tokens_per_minute, self.finishing, at=self.started_at)

    def _pour(self, admission: Admission) -> None:
        self.requests.pour(admission.cost.requests, admission.at)
        self.tokens.pour(admission.cost.tokens, admission.at)
        self.months[calendar_month(admission.at).starts] += admission.cost.tokens

    def _resize(self, resize: Resize) -> None:
        self.requests.resize(resize.limits.requests_per_minute, resize.at)
        self.tokens.resize(resize.limits.tokens_per_minute, resize.at)

    def _check(self, now: int) -> None:
        for name, bucket in (("requests", self.requests), ("tokens", self.tokens)):
            if bucket.level > bucket.ceiling:
                excess = (bucket.level - bucket.ceiling) / MINUTE
                raise BrokenPromiseError(f"{excess:.6f} {name} too many at {now}")
        if self.months[calendar_month(now).starts] > self.limits.tokens_per_month:
            raise BrokenPromiseError(f"more than a month's tokens at {now}")


class Ideal:
    """The least that may be admitted: by one bucket that knows all, less what leases keep from it.

    It is fed with what is admitted, whether refunded or not, and with what is stranded.
    """

    def __init__(self, limits: Limits, now: int) -> None:
        self._requests = TrueBucket(limits.requests_per_minute, 0, at=now)
        self._tokens = TrueBucket(limits.tokens_per_minute, 0, at=now)

    def pour(self, amounts: Amounts, now: int) -> None:
        """Note what nobody can have any more."""
        self._requests.pour(amounts.requests, now)
        self._tokens.pour(amounts.tokens, now)

    def resize(self, limits: Limits, now: int) -> None:
        """Change the limits per minute."""
        self._requests.resize(limits.requests_per_minute, now)
        self._tokens.resize(limits.tokens_per_minute, now)

    def check(self, quota: Quota, open_max: Amounts, now: int) -> None:
        """The ledger keeps back what is open, and what did not refill while it once was open."""
        for name, told, bucket, open_once in (
            ("requests", quota.requests, self._requests, open_max.requests),
            ("tokens", quota.tokens, self._tokens, open_max.tokens),
        ):
            bucket.drain(now)
            lost = told.taken - bucket.level - (told.reserved + open_once) * MINUTE
            if lost > 0:
                raise BrokenPromiseError(f"{lost / MINUTE:.6f} {name} are lost at {now}")
