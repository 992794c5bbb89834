"""Charges requests from leases held in memory: what the rest of the service calls."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from authz.domain import directory
from authz.domain.directory import AccountId, Enforcement, KeyId
from authz.domain.evidence import Evidence, Source, Whose
from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.charging import Charged, settle
from authz.domain.quota.outcome import Standings
from authz.domain.undecided import ChargesBusyError, LedgerSlowError, QuotaUnavailableError
from authz.service.breaker import Breaker
from authz.service.metrics import UNDECIDED, QuotaMetrics
from authz.service.ports import LeaseLedger
from authz.service.quota.book import BudgetBook
from authz.service.quota.budget import Budget, Request
from authz.service.quota.decide import Decider
from authz.service.quota.decision import NO_TICKET, Admitted, Decision, Refused, Ticket
from authz.service.quota.exchange import Exchange
from authz.service.quota.lines import Lines
from authz.service.quota.outage import Outage
from authz.service.quota.standing import month_left_of, standing_of

_TICK_SECONDS: Final = 0.05
_TOO_SLOW: Final = "no answer in time"


class Charger:
    """Charges requests, tokens and the month together, of the account and of the key, or nothing.

    A request that a lease allows is decided at once, in memory. Any other waits for an answer of
    the ledger, for `timeout_seconds` at most.
    """

    def __init__(
        self,
        ledger: LeaseLedger,
        book: BudgetBook,
        breaker: Breaker,
        outage: Outage,
        connections: int,
        linger_seconds: float,
        timeout_seconds: float,
        clock: Callable[[], int],
        jitter: Callable[[], float],
        metrics: QuotaMetrics,
    ) -> None:
        self._book = book
        self._clock = clock
        self._metrics = metrics
        self._exchange = Exchange(
            ledger,
            connections,
            linger_seconds,
            book,
            breaker,
            outage,
            self._offer_again,
            clock,
            jitter,
            metrics,
        )
        self._decider = Decider(outage, self._exchange.put_down)
        self._lines = Lines(self._decider, timeout_seconds, self._suspect, self.refund)
        metrics.leased_requests.set_function(lambda: self._leased().requests)
        metrics.leased_tokens.set_function(lambda: self._leased().tokens)

    async def charge(self, holder: directory.Holder, cost: Amounts) -> Decision:
        """Charge a request.

        Raises:
            ChargesBusyError: too many wait for the same account.
            LedgerSlowError: the ledger did not answer in time, though it is there.
            QuotaUnavailableError: the ledger has been away for too long.
        """
        request = Request(self._book.open(holder), holder, cost)
        try:
            decision = self._decide(request)
            if isinstance(decision, Budget):
                decision = await self._lines.wait(request, decision)
        except (ChargesBusyError, LedgerSlowError, QuotaUnavailableError):
            if holder.tier.enforcement is Enforcement.ENFORCED:
                raise
            return self._pass_undecided(request)
        if isinstance(decision, Admitted):
            self._metrics.charged[decision.evidence.source].inc()
        elif holder.tier.enforcement is Enforcement.SHADOW:
            return self._pass_refused(decision)
        return decision

    def refund(self, account_id: AccountId, key_id: KeyId, ticket: Ticket) -> bool:
        """Undo a charge; tell whether its lease took it back, or it was too late for that."""
        if ticket.key is not None:
            _refund(self._book.find(key_id), ticket.key)
        return ticket.account is not None and _refund(self._book.find(account_id), ticket.account)

    def standing(self, holder: directory.Holder) -> Standings:
        """Return how a holder stands, without a charge."""
        return standing_of(self._book.open(holder), holder, self._clock())

    def month_left(self, holder: directory.Holder) -> int:
        """Return how many of the month's tokens are left to a holder, without a charge."""
        account, *_ = self._book.open(holder)
        return month_left_of(account, holder, self._clock())

    async def run(self) -> None:
        """Report, renew and return leases, until cancelled."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self.tend()

    def tend(self) -> None:
        """Do all that is due now."""
        self._exchange.tend()

    async def stop(self, timeout_seconds: float) -> None:
        """Return all leases; nothing may be charged any more."""
        await self._exchange.stop(timeout_seconds)

    def _decide(self, request: Request) -> Decision | Budget:
        """Decide now, or return whose answer is to be waited for: nobody overtakes who waits."""
        for budget in request.budgets:
            if budget.line:
                return budget
        return self._decider.decide(request, self._clock())

    def _offer_again(self, budget: Budget, now: int) -> None:
        self._lines.offer_again(budget, now)

    def _suspect(self) -> None:
        self._exchange.suspect(_TOO_SLOW)

    def _pass_refused(self, refused: Refused) -> Admitted:
        self._metrics.shadow_refusals[refused.limited.dimension].inc()
        evidence = replace(refused.evidence, shadow=True)
        return Admitted(NO_TICKET, refused.standing, evidence)

    def _pass_undecided(self, request: Request) -> Admitted:
        self._metrics.shadow_refusals[UNDECIDED].inc()
        evidence = Evidence(request.cost, None, Whose.ACCOUNT, Source.OUTAGE, shadow=True)
        return Admitted(NO_TICKET, self.standing(request.holder), evidence)

    def _leased(self) -> Amounts:
        now = self._clock()
        held = (each.holder.left(now) for each in self._book if each.whose is Whose.ACCOUNT)
        return sum(held, NOTHING)


def _refund(budget: Budget | None, charged: Charged) -> bool:
    if budget is None:
        return False
    before = budget.holder.lease
    budget.holder = settle(budget.holder, charged, refund=True)
    return budget.holder.lease is not before
