"""What a process keeps of an account or a key that has limits."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from authz.domain import directory
from authz.domain.evidence import Whose
from authz.domain.quota.amounts import Amounts, Dimension
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import BudgetId
from authz.domain.quota.outage_share import OutageShare
from authz.domain.quota.quota import Limits
from authz.service.quota.decision import Decision

NEVER: Final = 2**63
"""Later than any clock."""


@dataclass(slots=True, eq=False)
class Request:
    """One to be charged to all these budgets, of which the account's is the first."""

    budgets: "tuple[Budget, ...]"
    holder: directory.Holder
    cost: Amounts


@dataclass(slots=True, eq=False)
class Waiter:
    """A request that the ledger has to decide on."""

    request: Request
    decision: "asyncio.Future[Decision]"


@dataclass(slots=True, eq=False)
class Budget:
    """A holder of leases, and the requests that wait for its next answer, first come first served.

    `share` stands in for the ledger in an outage, and while `is_away` after it. Where
    `is_unknown`, the ledger knows of no such budget yet, or no more. Upkeep is due at `wakes_at`.
    """

    id: BudgetId
    whose: Whose
    holder: Holder
    line: deque[Waiter] = field(default_factory=deque)
    share: OutageShare | None = None
    is_away: bool = False
    is_unknown: bool = False
    wakes_at: int = NEVER


def limits_of(whose: Whose, holder: directory.Holder) -> Limits:
    """Return the limits of an account, or of a key: where that has none, its account's holds."""
    tier, key = holder.tier, holder.key
    if whose is Whose.ACCOUNT:
        return Limits(tier.requests_per_minute, tier.tokens_per_minute, tier.tokens_per_month)
    return Limits(
        key.requests_per_minute or tier.requests_per_minute,
        key.tokens_per_minute or tier.tokens_per_minute,
        tier.tokens_per_month,
    )


def limiter_of(whose: Whose, holder: directory.Holder, dimension: Dimension) -> Whose:
    """Return whose limit a budget has there: what a key does not limit itself is its account's."""
    own = {
        Dimension.REQUESTS: holder.key.requests_per_minute,
        Dimension.TOKENS: holder.key.tokens_per_minute,
    }
    return whose if own.get(dimension) else Whose.ACCOUNT
