"""The ledger in its database, which applies one statement at a time."""

from dataclasses import dataclass, field

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.bucket import MINUTE
from authz.domain.quota.lease_messages import Answer, Ask
from authz.domain.quota.ledger import Ledger, advance
from authz.domain.quota.quota import Limits
from tests.authz.quota.simulation.clocks import SkewedClock
from tests.authz.quota.simulation.engine import Engine
from tests.authz.quota.simulation.truth import BrokenPromiseError, Ideal


@dataclass(slots=True)
class Database:
    """One account's row, its leases, and the server's clock, which may be set while it runs."""

    engine: Engine
    clock: SkewedClock
    ledger: Ledger
    limits: Limits
    statements: int = 0
    latest: int = 0
    open_max: Amounts = NOTHING
    ideal: Ideal = field(init=False)

    def __post_init__(self) -> None:
        self.ideal = Ideal(self.limits, self.now(0))

    def now(self, now: int) -> int:
        """Return the ledger's time: the latest that its clock has shown."""
        self.latest = max(self.latest, self.clock.read(now))
        return self.latest

    def execute(self, ask: Ask, now: int) -> Answer:
        """Apply a statement whole."""
        self.statements += 1
        self._strand(now)
        there = self.clock.read(now)
        self.ledger, answer = self.engine.answer(
            self.ledger, ask, self.limits, self.engine.rules, there
        )
        self.open_max = self.open_max.at_least(self.ledger.quota.reserved)
        if self.engine.checks_ledger:
            self._check_books()
            self.ideal.check(self.ledger.quota, self.open_max, self.now(now))
        return answer

    def resize(self, limits: Limits, now: int) -> None:
        """Change the tier's limits, at once."""
        self._strand(now)
        self.limits = limits
        self.ideal.resize(limits, self.now(now))
        there = self.clock.read(now)
        self.ledger = advance(self.ledger, limits, self.engine.rules, there)

    def excess(self, now: int) -> Amounts:
        """Return what is taken above a limit that was lowered, and has to refill before any is."""
        self.resize(self.limits, now)
        requests, tokens = self.ledger.quota.requests, self.ledger.quota.tokens
        return Amounts(
            max(0, -(-requests.taken // MINUTE) - requests.limit),
            max(0, -(-tokens.taken // MINUTE) - tokens.limit),
        )

    def _strand(self, now: int) -> None:
        there = self.clock.read(now)
        for lease in self.ledger.leases.values():
            if lease.ends_at <= there:
                self.ideal.pour(lease.open, self.now(now))

    def _check_books(self) -> None:
        quota, opened = self.ledger.quota, NOTHING
        for lease in self.ledger.leases.values():
            opened += lease.open
            if not lease.open.covers(NOTHING):
                raise BrokenPromiseError(f"more was accounted for than granted: {lease}")
        if opened != quota.reserved:
            raise BrokenPromiseError(f"{quota.reserved} are reserved for {opened}")
        if min(quota.requests.spent, quota.tokens.spent, quota.month.spent) < 0:
            raise BrokenPromiseError(f"more was returned than spent: {quota}")
