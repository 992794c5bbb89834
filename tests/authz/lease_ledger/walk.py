"""Asks, limits and times drawn by a seed: a ledger's life, with all that can go wrong in it."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.lease_messages import Ask, HolderId, LeaseId
from authz.domain.quota.ledger import Lease, Ledger
from authz.domain.quota.quota import Limits

_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
_MONTH_END: Final = 1_798_761_600 * _SECOND  # 2027 begins

_LIMITS: Final = (
    Limits(3, 10_000, 10**9),
    Limits(60, 100_000, 150_000),
    Limits(3_000, 1_000_000, 5 * 10**8),
    Limits(7, 13, 17),
    Limits(1, 1, 1),
    Limits(2**31 - 1, 10**11, 2**63 - 1),
)

_STEPS: Final = (
    (0, 1, 1000, _SECOND // 10, _SECOND // 3, _SECOND, 3 * _SECOND) * 5
    + (9 * _SECOND, 15 * _SECOND, 15 * _SECOND - 1, 61 * _SECOND, 3600 * _SECOND)
    + (-1, -_SECOND, -5 * _SECOND, -5 * _SECOND - 1, -20 * _SECOND, -3600 * _SECOND)
    + (_DAY, 40 * _DAY)
)


@dataclass(slots=True)
class Walk:
    """One seed's."""

    random: Random
    now: int = 0
    limits: Limits = _LIMITS[0]
    asked: list[Ask] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now = _MONTH_END - self.random.choice((_SECOND, 30 * _SECOND, 20 * _DAY))
        self.limits = self.random.choice(_LIMITS)

    def pass_time(self, ledger: Ledger) -> None:
        """Move the clock, mostly on, and often to where something is about to change."""
        if self.random.random() < 0.7:
            self.now += self.random.choice(_STEPS)
            return
        buckets = (ledger.quota.requests, ledger.quota.tokens)
        edges = [bucket.at + bucket.spent // bucket.limit for bucket in buckets]
        edges += [lease.ends_at for lease in ledger.leases.values()]
        near = [edge for edge in edges if abs(edge - self.now) < _DAY]
        self.now = self.random.choice(near or [self.now]) + self.random.choice((-1, 0, 1))

    def change_limits(self) -> bool:
        """Draw other limits, seldom; tell whether it was done."""
        if self.random.random() > 0.05:
            return False
        self.limits = self.random.choice(_LIMITS)
        return True

    def ask(self, ledger: Ledger) -> Ask:
        """Draw an ask: a sensible one, one that was made before, or one about nothing known."""
        if self.asked and self.random.random() < 0.15:
            return self.random.choice(self.asked[-20:])
        ask = self._about_a_lease(ledger)
        self.asked.append(ask)
        return ask

    def _about_a_lease(self, ledger: Ledger) -> Ask:
        lease_id = LeaseId(
            HolderId(self.random.choice(("one", "two", "three"))), self.random.randrange(2)
        )
        lease = ledger.leases.get(lease_id) or Lease(NOTHING, NOTHING, NOTHING, 0)
        spent = self._grow(lease.spent, lease.open)
        consumed = spent + lease.released
        ask = Ask(
            len(self.asked),
            lease_id,
            spent,
            released=self._grow(lease.released, lease.open),
            needed=consumed + self._wish(),
            wanted=consumed + self._wish(),
            opens=self.random.random() < (0.2 if lease.granted != NOTHING else 0.8),
            closes=self.random.random() < 0.1,
        )
        return self._owing(ask) if self.random.random() < 0.1 else ask

    def _owing(self, ask: Ask) -> Ask:
        refilled = Amounts(self._part(ask.spent.requests), self._part(ask.spent.tokens))
        return replace(ask, opens=True, refilled=refilled)

    def _grow(self, total: Amounts, by: Amounts) -> Amounts:
        """Return a total that grew within what was granted, or beyond, or not, or shrank."""
        chance = self.random.random()
        if chance < 0.3:
            return total
        if chance < 0.35:
            return Amounts(self._part(total.requests), self._part(total.tokens))
        beyond = self._wish() if chance < 0.45 else NOTHING
        return total + Amounts(self._part(by.requests), self._part(by.tokens)) + beyond

    def _wish(self) -> Amounts:
        if self.random.random() < 0.3:
            return NOTHING
        share = self.random.choice((1, 2, 3, 10, 100))
        return Amounts(
            self._part(self.limits.requests_per_minute // share + 1),
            self._part(self.limits.tokens_per_minute // share + 1),
        )

    def _part(self, whole: int) -> int:
        return self.random.choice((0, whole, self.random.randint(0, whole)))
