"""What budgets and the ledger tell each other, and when."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from authz.domain.quota.asking import disown, hear, miss
from authz.domain.quota.lease_messages import Answer, Ask
from authz.domain.quota.upkeep import next_due, stop, tend
from authz.domain.undecided import DatabaseSlowError
from authz.service.breaker import Breaker
from authz.service.metrics import QuotaMetrics
from authz.service.ports import LeaseLedger
from authz.service.quota.book import BudgetBook
from authz.service.quota.budget import Budget
from authz.service.quota.clockwork import Clockwork
from authz.service.quota.outage import Outage
from authz.service.quota.sender import Batch, Sender

_SECOND: Final = 1_000_000
_LOOK_AFTER: Final = _SECOND // 2
"""A charge makes nothing due sooner, other than what is asked with it."""
_FORGET_AFTER: Final = 600 * _SECOND
"""An outage goes on from what was heard last; by then a minute's limit has long refilled."""

_log = structlog.get_logger()


class Exchange:
    """Sends what budgets ask, has them hear the answers, and tends them when something is due.

    `decide` is called for each budget that may decide on what waits. `jitter` returns a factor
    around 1, so that after an outage not all budgets ask at once.
    """

    def __init__(
        self,
        ledger: LeaseLedger,
        connections: int,
        linger_seconds: float,
        book: BudgetBook,
        breaker: Breaker,
        outage: Outage,
        decide: Callable[[Budget, int], None],
        clock: Callable[[], int],
        jitter: Callable[[], float],
        metrics: QuotaMetrics,
    ) -> None:
        self._book = book
        self._breaker = breaker
        self._outage = outage
        self._decide = decide
        self._clock = clock
        self._jitter = jitter
        self._sender = Sender(ledger, connections, linger_seconds, self._hear, self._miss, metrics)
        self._clockwork = Clockwork(self._wake, clock)

    def tend(self) -> None:
        """Do for each budget what is due by now."""
        self._clockwork.turn()

    def put_down(self, budget: Budget, asks: Sequence[Ask], now: int) -> None:
        """Take note that a budget was charged, and has so much to ask."""
        if asks:
            self._sender.send(budget, asks)
        if budget.wakes_at > now + _LOOK_AFTER:
            self._clockwork.wake_at(budget, now + _LOOK_AFTER)

    def suspect(self, failure: str, *, is_slow: bool = True) -> None:
        """Do without the ledger, if it is found to be away, until it is there again."""
        self._breaker.suspect(failure, is_slow=is_slow, opened=self._fall_back)

    def _fall_back(self) -> None:
        now = self._clock()
        self._give_up(self._sender.withdraw(), now)
        for budget in [each for each in self._book if each.line]:
            self._decide(budget, now)

    async def stop(self, timeout_seconds: float) -> None:
        """Return all leases, as far as that can be done in time; nothing is charged any more."""
        now = self._clock()
        for budget in self._book:
            self._outage.recover(budget, now)
            budget.holder, asks = stop(budget.holder, now)
            if asks:
                self._sender.send(budget, asks)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._sender.drain()
        except TimeoutError:
            _log.warning("leases.kept")  # until they end

    def _hear(self, budget: Budget, ask: Ask, answer: Answer | None) -> None:
        now = self._clock()
        self._breaker.hear()
        budget.is_unknown = answer is None
        if answer is None:
            budget.holder = disown(budget.holder, ask, now)
        else:
            budget.holder = hear(budget.holder, ask, answer, now)
            if not self._outage.holds_for(budget):
                self._outage.recover(budget, now)  # it may owe more, or nothing any more
        self._await_next(budget, now)
        self._decide(budget, now)

    def _miss(self, batch: Batch, failure: Exception) -> None:
        self._give_up(batch, self._clock())
        is_slow = isinstance(failure, DatabaseSlowError)
        self.suspect(str(failure) or type(failure).__name__, is_slow=is_slow)

    def _give_up(self, batch: Batch, now: int) -> None:
        for budget, ask in batch:
            budget.holder = miss(budget.holder, ask, now)
            self._await_next(budget, now)

    def _wake(self, budget: Budget, now: int) -> None:
        if self._breaker.is_open:
            self._clockwork.wake_at(budget, now + int(_SECOND * self._jitter()))
            return
        self._outage.recover(budget, now)
        budget.holder, asks = tend(budget.holder, now)
        if asks:
            self._sender.send(budget, asks)
        self._await_next(budget, now)
        if budget.line:
            self._decide(budget, now)

    def _await_next(self, budget: Budget, now: int) -> None:
        due = next_due(budget.holder, now)
        if budget.line and budget.holder.asking is None:
            due = max(now, budget.holder.quiet_until)  # then what failed is asked again
        if due is None:
            due = budget.holder.charged_at + _FORGET_AFTER
            if due <= now and not budget.line and budget.share is None:
                self._book.drop(budget)
                return
        self._clockwork.wake_at(budget, due)
