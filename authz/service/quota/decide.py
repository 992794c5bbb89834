"""Decides on one request now: by all its budgets or by none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from authz.domain.evidence import Evidence, Source, Whose
from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.charging import Charged, Unanswered, Waiting, charge
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Ask
from authz.domain.quota.outcome import Limited
from authz.domain.undecided import QuotaUnavailableError
from authz.service.quota.budget import Budget, Request, limiter_of
from authz.service.quota.decision import Admitted, Decision, Refused, Ticket
from authz.service.quota.outage import Lent, Outage
from authz.service.quota.standing import standing_of


@dataclass(slots=True)
class _Attempt:
    """What would come of a charge to one budget; of nothing, that it limits nothing."""

    budget: Budget
    holder: Holder
    outcome: Charged | Lent | Limited | Waiting | None
    asks: Sequence[Ask] = ()


class Decider:
    """Charges requests in memory; `put_down` is told of each budget that changed, and its asks."""

    def __init__(
        self, outage: Outage, put_down: Callable[[Budget, Sequence[Ask], int], None]
    ) -> None:
        self._outage = outage
        self._put_down = put_down

    def decide(
        self, request: Request, now: int, source: Source = Source.LEASE, behind: Amounts = NOTHING
    ) -> Decision | Budget:
        """Admit or refuse; or return the budget whose answer is to be waited for.

        `source` is where what there is was learned, unless an outage has to do; `behind` is what
        waits behind the request.

        Raises:
            QuotaUnavailableError: there is no ledger, and nothing to go by instead.
        """
        attempts = [self._attempt(each, request, now, behind) for each in request.budgets]
        for attempt in attempts:
            if not isinstance(attempt.outcome, Charged):
                return self._decide_otherwise(request, attempts, now, source)
        return self._admit(request, attempts, now, source)

    def _decide_otherwise(
        self, request: Request, attempts: Sequence[_Attempt], now: int, source: Source
    ) -> Decision | Budget:
        """Decide where not all budgets had it in their leases."""
        limited = [each for each in attempts if isinstance(each.outcome, Limited)]
        if limited:
            for attempt in limited:
                self._accept(attempt, now)  # it may have something to report
            return self._refuse(request, limited, now)
        waiting = [each for each in attempts if isinstance(each.outcome, Waiting)]
        if waiting:
            for attempt in waiting:
                self._accept(attempt, now)
            return waiting[0].budget
        is_lent = any(isinstance(each.outcome, Lent) for each in attempts)
        return self._admit(request, attempts, now, Source.OUTAGE if is_lent else source)

    def _attempt(self, budget: Budget, request: Request, now: int, behind: Amounts) -> _Attempt:
        if not self._outage.holds_for(budget):
            holder, outcome, asks = charge(budget.holder, request.cost, now, behind)
            if isinstance(outcome, Unanswered):
                if budget.is_unknown:
                    return _attempt_unknown(budget)
                outcome = Waiting()  # until it is asked again, or known to be away
            return _Attempt(budget, holder, outcome, asks)
        return _Attempt(budget, *self._outage.charge(budget, request, now))

    def _accept(self, attempt: _Attempt, now: int) -> None:
        budget, outcome = attempt.budget, attempt.outcome
        budget.holder = attempt.holder
        if isinstance(outcome, Lent):
            budget.share, budget.is_away = outcome.share, True
        self._put_down(budget, attempt.asks, now)

    def _admit(
        self, request: Request, attempts: Sequence[_Attempt], now: int, source: Source
    ) -> Admitted:
        for attempt in attempts:
            self._accept(attempt, now)
        ticket = Ticket(_charged(attempts[0]), _charged(attempts[1]) if len(attempts) > 1 else None)
        standing = standing_of(request.budgets, request.holder, now)
        return Admitted(ticket, standing, _evidence(request, attempts[0], now, source))

    def _refuse(self, request: Request, attempts: Sequence[_Attempt], now: int) -> Refused:
        """Refuse by what is longest in the way: waiting for less would be in vain."""
        attempt = max(attempts, key=_wait)
        away = self._outage.holds_for(attempt.budget)
        evidence = _evidence(request, attempt, now, Source.OUTAGE if away else Source.LEDGER)
        standing = standing_of(request.budgets, request.holder, now)
        return Refused(_limited(attempt), standing, evidence)


def _attempt_unknown(budget: Budget) -> _Attempt:
    """A key without limits of its own is limited by nothing; an account always is by something."""
    if budget.whose is Whose.ACCOUNT:
        raise QuotaUnavailableError
    return _Attempt(budget, budget.holder, None)


def _charged(attempt: _Attempt) -> Charged | None:
    return attempt.outcome if isinstance(attempt.outcome, Charged) else None


def _evidence(request: Request, attempt: _Attempt, now: int, source: Source) -> Evidence:
    lease = attempt.budget.holder.lease
    limited, whose = None, attempt.budget.whose
    if isinstance(attempt.outcome, Limited):
        limited = attempt.outcome
        whose = limiter_of(whose, request.holder, limited.dimension)
    if lease is None:
        return Evidence(request.cost, limited, whose, source)
    ends_in = max(0, lease.ends_at - now)
    return Evidence(request.cost, limited, whose, source, lease.left, ends_in)


def _limited(attempt: _Attempt) -> Limited:
    if not isinstance(attempt.outcome, Limited):
        raise TypeError("what is not limited cannot be refused")
    return attempt.outcome


def _wait(attempt: _Attempt) -> float:
    wait = _limited(attempt).wait
    return float("inf") if wait is None else wait
