"""Requests that wait for the ledger: first come, first served, and none of them for long."""

import asyncio
from collections.abc import Callable
from typing import Final

from authz.domain.directory import AccountId, KeyId
from authz.domain.evidence import Source
from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.undecided import ChargesBusyError, LedgerSlowError, QuotaUnavailableError
from authz.service.quota.budget import Budget, Request, Waiter
from authz.service.quota.decide import Decider
from authz.service.quota.decision import Admitted, Decision, Ticket

_LINE_MAX: Final = 2000
_SUSPECTS_AFTER: Final = 0.3
"""This part of its time a request waits before anybody looks whether the ledger is away."""


class Lines:
    """A line for each budget, whose requests are offered again whenever it has heard.

    Where one has waited for a part of `timeout_seconds`, `suspect` is called, so that in an outage
    it is decided without the ledger in time.
    """

    def __init__(
        self,
        decider: Decider,
        timeout_seconds: float,
        suspect: Callable[[], None],
        refund: Callable[[AccountId, KeyId, Ticket], object],
    ) -> None:
        self._decider = decider
        self._timeout_seconds = timeout_seconds
        self._suspect = suspect
        self._refund = refund

    async def wait(self, request: Request, budget: Budget) -> Decision:
        """Line up, and return what is decided.

        Raises:
            ChargesBusyError: the line is too long.
            LedgerSlowError: the ledger is there, and did not answer in time.
            QuotaUnavailableError: there is no ledger, and nothing to go by instead.
        """
        if len(budget.line) >= _LINE_MAX:
            raise ChargesBusyError
        loop = asyncio.get_running_loop()
        waiter = Waiter(request, loop.create_future())
        budget.line.append(waiter)
        timer = loop.call_later(self._timeout_seconds * _SUSPECTS_AFTER, self._suspect)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await waiter.decision
        except TimeoutError:
            self._take_back(waiter)
            raise LedgerSlowError from None
        except asyncio.CancelledError:
            self._take_back(waiter)
            raise
        finally:
            timer.cancel()

    def offer_again(self, budget: Budget, now: int) -> None:
        """Decide on those in line, in order, until one has to wait on."""
        behind = sum((waiter.request.cost for waiter in budget.line), NOTHING)
        while budget.line:
            waiter = budget.line[0]
            behind -= waiter.request.cost
            awaited = None if waiter.decision.done() else self._offer(waiter, now, behind)
            if awaited is budget:
                return
            budget.line.popleft()
            if awaited is not None:
                awaited.line.append(waiter)

    def _take_back(self, waiter: Waiter) -> None:
        """Undo what was charged for a client that has left in the same moment."""
        decision = waiter.decision
        if not decision.done() or decision.cancelled() or decision.exception() is not None:
            return
        if isinstance(admitted := decision.result(), Admitted):
            holder = waiter.request.holder
            self._refund(holder.account.id, holder.key.id, admitted.ticket)

    def _offer(self, waiter: Waiter, now: int, behind: Amounts) -> Budget | None:
        """Decide; return the budget that is to be waited for, if one is."""
        try:
            decision = self._decider.decide(waiter.request, now, Source.LEDGER, behind)
        except QuotaUnavailableError as error:
            waiter.decision.set_exception(error)
            return None
        if isinstance(decision, Budget):
            return decision
        waiter.decision.set_result(decision)
        return None
