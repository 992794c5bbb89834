"""A charger over a ledger in memory, by a clock that the test moves."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from uuid import UUID

from prometheus_client import CollectorRegistry

from authz.domain.directory import AccountId, Enforcement, Holder, KeyId
from authz.domain.pepper import Pepper
from authz.domain.quota.amounts import Amounts
from authz.domain.quota.lease_messages import HolderId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.quota import Limits, Quota
from authz.service.breaker import Breaker
from authz.service.metrics import QuotaMetrics
from authz.service.ports import LeaseLedger
from authz.service.quota.book import BudgetBook
from authz.service.quota.charger import Charger
from authz.service.quota.decision import Admitted, Decision, Refused
from authz.service.quota.outage import Outage
from authz.service.quota.process_count import ProcessCount
from tests.authz.doubles import ACCOUNT, TIER, FakeLedger, ManualClock, key_text, make_key

SECOND: Final = 1_000_000
COST: Final = Amounts(1, 100)
LARGE: Final = Limits(6_000, 600_000, 10**9)
_KEY: Final = make_key(Pepper.parse("5e" * 32), key_text())


class Parts:
    """A charger, and all around it; `name` is the process's.

    Without another ledger and another clock, `now`, it is one in memory, by `clock`.
    """

    def __init__(
        self,
        limits: Limits = LARGE,
        *,
        ledger: LeaseLedger | None = None,
        clock: ManualClock | None = None,
        processes: int = 1,
        timeout_seconds: float = 10,
        grace_seconds: float = 300,
        connections: int = 2,
        linger_seconds: float = 0,
        name: str = "one",
        jitter: Callable[[], float] = lambda: 1.0,
        now: Callable[[], int] | None = None,
    ) -> None:
        self.clock = clock or ManualClock()
        self.ledger = ledger if isinstance(ledger, FakeLedger) else FakeLedger(self.clock, limits)
        ledger = ledger or self.ledger
        self.limits = limits
        self.registry = CollectorRegistry()
        metrics = QuotaMetrics(self.registry)
        self.breaker = Breaker(
            ledger.ping, 0.001, timeout_seconds / 2, grace_seconds, self.clock, metrics
        )
        self.processes = ProcessCount(ledger, processes)
        self.book = BudgetBook(HolderId(name), LeaseRules())
        self.charger = Charger(
            ledger,
            self.book,
            self.breaker,
            Outage(self.breaker, self.processes, lambda: self.ledger.now),
            connections,
            linger_seconds,
            timeout_seconds,
            now or self._now,
            jitter,
            metrics,
        )

    def holder(
        self,
        *,
        shadow: bool = False,
        account: int = 1,
        key: int = 0,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
    ) -> Holder:
        """Return who holds a key, which may have limits of its own; others for other numbers."""
        limits = self.limits
        tier = replace(
            TIER,
            requests_per_minute=limits.requests_per_minute,
            tokens_per_minute=limits.tokens_per_minute,
            tokens_per_month=limits.tokens_per_month,
            enforcement=Enforcement.SHADOW if shadow else Enforcement.ENFORCED,
        )
        made = replace(
            _KEY,
            id=KeyId(UUID(int=1000 + key)),
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
        )
        if requests_per_minute or tokens_per_minute:
            self.ledger.limits_of[made.id] = Limits(
                requests_per_minute or limits.requests_per_minute,
                tokens_per_minute or limits.tokens_per_minute,
                limits.tokens_per_month,
            )
        return Holder(made, replace(ACCOUNT, id=AccountId(UUID(int=account))), tier)

    async def charge(self, cost: Amounts = COST, holder: Holder | None = None) -> Decision:
        """Charge a request."""
        return await self.charger.charge(holder or self.holder(), cost)

    async def admits(self, cost: Amounts = COST, holder: Holder | None = None) -> bool:
        """Charge a request, and tell whether it may pass."""
        return isinstance(await self.charge(cost, holder), Admitted)

    async def refuses(self, cost: Amounts = COST, holder: Holder | None = None) -> Refused:
        """Charge a request, which must be refused."""
        decision = await self.charge(cost, holder)
        assert isinstance(decision, Refused)
        return decision

    async def wait(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass, and what is due in it happen."""
        ends_at = self.clock.now + seconds
        while self.clock.now < ends_at - 1e-9:
            self.clock.now = min(ends_at, self.clock.now + step)
            self.charger.tend()
            await settle()

    @property
    def statements(self) -> int:
        """How many statements the ledger has had."""
        return len(self.ledger.batches)

    def quota(self, budget_id: UUID = ACCOUNT.id) -> Quota:
        """Return what the ledger says of a budget now."""
        return self.ledger.ledgers[budget_id].quota.at(self.ledger.now)

    def metric(self, name: str, **labels: str) -> float:
        """Return what a metric says."""
        value = self.registry.get_sample_value(name, labels)
        assert value is not None
        return value

    def _now(self) -> int:
        return round(self.clock.now * SECOND)


async def settle() -> None:
    """Let tasks go as far as they can without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)
