"""A month's tokens: nothing refills, until the next period begins."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from authz.domain.quota.amounts import Dimension
from authz.domain.quota.outcome import Limited

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Microseconds since 1970, from `starts` until before `ends`: stored, not derived again."""

    starts: int
    ends: int


def calendar_month(now: int) -> Period:
    """Return the month of UTC that `now` is in."""
    first = (_EPOCH + now * _MICROSECOND).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=31)).replace(day=1)
    return Period((first - _EPOCH) // _MICROSECOND, (following - _EPOCH) // _MICROSECOND)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What of `limit` tokens was spent in `period`, and what is leased and may yet be.

    What is leased when a period ends is spent in the next one, if at all: each token counts in one
    period, and neither period sees more than its limit.
    """

    limit: int
    period: Period
    spent: int = 0
    reserved: int = 0

    @property
    def room(self) -> int:
        """Tokens that fit."""
        return max(0, self.limit - self.spent - self.reserved)

    @property
    def is_exceeded(self) -> bool:
        """Whether more is taken than the limit, which only a lowered limit brings about."""
        return self.spent + self.reserved > self.limit

    def enter(self, now: int) -> "Allowance":
        """Return the allowance of the period that `now` is in.

        Entered once and never left backwards: a clock that goes back across the end of a month
        changes nothing.
        """
        if now < self.period.ends:
            return self
        return replace(self, period=calendar_month(now), spent=0)

    def resize(self, limit: int) -> "Allowance":
        """Return the allowance under another limit: what is taken stays taken."""
        return self if limit == self.limit else replace(self, limit=limit)

    def reserve(self, tokens: int) -> "Allowance":
        """Set tokens aside, for which there must be room."""
        return Allowance(self.limit, self.period, self.spent, self.reserved + tokens)

    def spend(self, tokens: int, reserved: int = 0) -> "Allowance":
        """Spend tokens, of which so many were reserved."""
        return Allowance(self.limit, self.period, self.spent + tokens, self.reserved - reserved)

    def release(self, tokens: int) -> "Allowance":
        """Give reserved tokens up unspent."""
        return Allowance(self.limit, self.period, self.spent, self.reserved - tokens)

    def refund(self, tokens: int, period: Period) -> "Allowance":
        """Return tokens spent in `period`: only to it, and never more than were spent."""
        if period != self.period:
            return self
        return replace(self, spent=max(0, self.spent - tokens))

    def left(self, now: int, held: int = 0) -> int:
        """Return what fits at `now` for a caller who holds so much of what is reserved."""
        month = self.enter(now)
        return max(0, month.limit - month.spent - month.reserved + held)

    def judge(self, tokens: int, now: int, held: int = 0) -> Limited | None:
        """Say why `tokens`, of which the caller holds some, do not fit; nothing if they do."""
        taken = self.spent + self.reserved - held
        if tokens <= held or taken + tokens <= self.limit:
            return None
        wait = None if tokens > self.limit else max(1, self.period.ends - now)
        return Limited(Dimension.MONTH, self.limit, taken, tokens, wait)
