"""All limits of one account, charged together or not at all."""

from dataclasses import dataclass

from authz.domain.quota.allowance import Allowance, calendar_month
from authz.domain.quota.amounts import NOTHING, Amounts, Dimension
from authz.domain.quota.bucket import MINUTE, Bucket
from authz.domain.quota.outcome import Limited


@dataclass(frozen=True, slots=True)
class Limits:
    """What a tier allows."""

    requests_per_minute: int
    tokens_per_minute: int
    tokens_per_month: int

    def during(self, microseconds: int) -> Amounts:
        """Return the whole units that refill in a time."""
        per_minute = Amounts(self.requests_per_minute, self.tokens_per_minute)
        return per_minute.times(microseconds, MINUTE)


@dataclass(frozen=True, slots=True)
class Quota:
    """Three limits in step: every method changes all of them by the same amounts."""

    requests: Bucket
    tokens: Bucket
    month: Allowance

    @property
    def room(self) -> Amounts:
        """What fits now."""
        return Amounts(self.requests.room, min(self.tokens.room, self.month.room))

    @property
    def reserved(self) -> Amounts:
        """What is leased and not accounted for yet."""
        return Amounts(self.requests.reserved, self.tokens.reserved)

    @property
    def is_exceeded(self) -> bool:
        """Whether more is taken than a limit, which only a lowered limit brings about."""
        return self.requests.is_exceeded or self.tokens.is_exceeded or self.month.is_exceeded

    def at(self, now: int, limits: Limits | None = None) -> "Quota":
        """Return the quota at `now`, refilled under the limits so far, and now under `limits`."""
        requests, tokens = self.requests.refill(now), self.tokens.refill(now)
        month = self.month.enter(now)
        if limits is not None:
            requests = requests.resize(limits.requests_per_minute, now)
            tokens = tokens.resize(limits.tokens_per_minute, now)
            month = month.resize(limits.tokens_per_month)
        return Quota(requests, tokens, month)

    def judge(self, cost: Amounts, now: int, held: Amounts = NOTHING) -> Limited | None:
        """Say which dimension holds `cost` back for longest; nothing if it fits in all.

        `held` is what of the reserved amounts the caller holds itself, and may spend on it.
        """
        verdicts = (
            self.requests.judge(cost.requests, Dimension.REQUESTS, held.requests),
            self.tokens.judge(cost.tokens, Dimension.TOKENS, held.tokens),
            self.month.judge(cost.tokens, now, held.tokens),
        )
        limited = [verdict for verdict in verdicts if verdict is not None]
        return max(limited, key=_wait, default=None)

    def reserve(self, amounts: Amounts) -> "Quota":
        """Set amounts aside, for which there must be room."""
        return Quota(
            self.requests.reserve(amounts.requests),
            self.tokens.reserve(amounts.tokens),
            self.month.reserve(amounts.tokens),
        )

    def spend(self, amounts: Amounts, reserved: Amounts = NOTHING) -> "Quota":
        """Spend amounts, of which so much was reserved."""
        return Quota(
            self.requests.spend(amounts.requests, reserved.requests),
            self.tokens.spend(amounts.tokens, reserved.tokens),
            self.month.spend(amounts.tokens, reserved.tokens),
        )

    def refilled(self, amounts: Amounts) -> "Quota":
        """Take off what was just spent, and long ago in truth; the month does not refill."""
        return Quota(
            self.requests.spend(-amounts.requests), self.tokens.spend(-amounts.tokens), self.month
        )

    def release(self, amounts: Amounts) -> "Quota":
        """Give reserved amounts up unspent."""
        return Quota(
            self.requests.release(amounts.requests),
            self.tokens.release(amounts.tokens),
            self.month.release(amounts.tokens),
        )


def fresh(limits: Limits, now: int) -> Quota:
    """Return the quota of an account that has used nothing."""
    return Quota(
        Bucket(limits.requests_per_minute, at=now),
        Bucket(limits.tokens_per_minute, at=now),
        Allowance(limits.tokens_per_month, calendar_month(now)),
    )


def charge(quota: Quota, cost: Amounts, now: int) -> tuple[Quota, Limited | None]:
    """Charge every dimension or none; return the quota at `now`, and what stood in the way."""
    quota = quota.at(now)
    limited = quota.judge(cost, now)
    return (quota if limited else quota.spend(cost)), limited


def _wait(limited: Limited) -> float:
    """Never is longest; of two that are never, the month's is no news to a client that splits."""
    return float("inf") if limited.wait is None else limited.wait
