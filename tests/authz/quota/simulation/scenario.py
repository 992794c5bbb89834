"""What one seed stands for: an account, its callers, and how much goes wrong."""

from dataclasses import dataclass
from random import Random
from typing import Final

from authz.domain.quota.amounts import Amounts
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.quota import Limits

SECOND: Final = 1_000_000
PROCESSES: Final = 8
FAULTS_STOP: Final = 25 * SECOND
"""True time until which things go wrong."""
RECOVERED: Final = FAULTS_STOP + 6 * SECOND
"""By then the full rate is reached again: a life and its grace, by clocks that differ."""
END: Final = RECOVERED + 15 * SECOND

RULES: Final = LeaseRules(
    life=3 * SECOND, grace=SECOND * 3 // 2, slice=6 * SECOND, idle_after=2 * SECOND
)
"""Short lives, so that many end while things go wrong, and large slices, which they end with."""

# From the smallest account to the largest, requests and tokens a minute.
_SIZES: Final = ((3, 2_000), (60, 10_000), (600, 100_000), (3_000, 1_000_000), (20_000, 900_000))
_NO_MONTH: Final = 10**12


@dataclass(frozen=True, slots=True)
class Faults:
    """The chance of each, per message or per process and second."""

    loss: float
    duplication: float
    slow: float
    commit_unknown: float
    crash: float
    freeze: float
    partition: float
    refund: float


NO_FAULTS: Final = Faults(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`cost_max` is the largest request; `offered` requests arrive a second, over all processes.

    `used_before` is what the account has used when it begins.
    """

    limits: Limits
    later_limits: Limits
    cost_max: int
    offered: float
    faults: Faults
    drift_per_million: int
    month_ends_after: int
    timeout: int
    used_before: Amounts

    @property
    def has_month_left(self) -> bool:
        """Whether the month is large enough to play no part."""
        return self.limits.tokens_per_month == _NO_MONTH


def draw(random: Random) -> Scenario:
    """Return the scenario of a seed, about ten times of what it admits a second being offered."""
    requests, tokens = random.choice(_SIZES)
    month = random.choice((_NO_MONTH, _NO_MONTH, tokens * 3 // 2))
    admitted = min(requests / 60, random.uniform(2, 6))
    factor = random.choice((1.0, 1.0, random.uniform(0.5, 2)))
    return Scenario(
        limits=Limits(requests, tokens, month),
        later_limits=Limits(max(1, int(requests * factor)), int(tokens * factor), month),
        cost_max=max(1, min(tokens // 3, int(tokens / 60 / admitted * 2))),
        offered=min(12.0, admitted * 10),
        faults=_draw_faults(random),
        drift_per_million=random.choice((0, 500, 50_000)),
        month_ends_after=random.randrange(5, 25) * SECOND,
        used_before=random.choice((Amounts(0, 0), *2 * [Amounts(requests, tokens)])),
        timeout=random.choice((SECOND // 3, SECOND, 4 * SECOND)),
    )


def cost(random: Random, scenario: Scenario) -> Amounts:
    """Return what one request costs."""
    return Amounts(1, random.randint(1, scenario.cost_max))


def _draw_faults(random: Random) -> Faults:
    def chance(most: float) -> float:
        return random.choice((0.0, random.uniform(0, most)))

    return Faults(
        loss=chance(0.3),
        duplication=chance(0.3),
        slow=chance(0.2),
        commit_unknown=chance(0.2),
        crash=chance(0.08),
        freeze=chance(0.15),
        partition=chance(0.08),
        refund=chance(0.3),
    )
