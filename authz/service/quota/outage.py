"""Charges without the ledger: from the lease at hand, then from this process's share."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from authz.domain.quota.amounts import NOTHING
from authz.domain.quota.charging import Charged, charge_held
from authz.domain.quota.holder import Holder, View
from authz.domain.quota.outage_share import OutageShare, Undecidable, begin_share
from authz.domain.quota.outcome import Limited
from authz.domain.quota.owing import is_owing, owe
from authz.domain.quota.quota import Limits, fresh
from authz.domain.undecided import QuotaUnavailableError
from authz.service.breaker import Breaker
from authz.service.quota.budget import Budget, Request, limits_of
from authz.service.quota.process_count import ProcessCount


@dataclass(frozen=True, slots=True)
class Lent:
    """The request may go, by a share that is as it would be then."""

    share: OutageShare


class Outage:
    """What holds while the ledger is away, and for each budget until it has told what it owes.

    `wall` is the time of day in microseconds, for budgets that nothing was ever heard of.
    """

    def __init__(self, breaker: Breaker, processes: ProcessCount, wall: Callable[[], int]) -> None:
        self._breaker = breaker
        self._processes = processes
        self._wall = wall

    def holds_for(self, budget: Budget) -> bool:
        """Tell whether the ledger is not to be asked for this budget."""
        return self._breaker.is_open or budget.is_away

    def charge(
        self, budget: Budget, request: Request, now: int
    ) -> tuple[Holder, Charged | Lent | Limited]:
        """Say what comes of a charge; it is for the caller to put it down.

        Raises:
            QuotaUnavailableError: the outage lasts too long, or nobody can know.
        """
        if (held := charge_held(budget.holder, request.cost, now)) is not None:
            return held
        self._breaker.check_grace()
        limits = limits_of(budget.whose, request.holder)
        share, outcome = self._share(budget, limits, now).charge(request.cost, limits, now)
        match outcome:
            case None:
                return replace(budget.holder, charged_at=now), Lent(share)
            case Limited():
                return budget.holder, outcome
            case Undecidable():
                raise QuotaUnavailableError

    def recover(self, budget: Budget, now: int) -> None:
        """End a budget's outage; what it granted meanwhile will be told with its next ask."""
        budget.is_away = False
        if budget.share is None:
            return
        if budget.share.granted != NOTHING:
            budget.share, debt = budget.share.owe(now)
            budget.holder = owe(budget.holder, debt, now)
        elif not is_owing(budget.holder):
            budget.share = None  # the ledger knows all of it, and the next outage goes on from that

    def _share(self, budget: Budget, limits: Limits, now: int) -> OutageShare:
        if budget.share is not None:
            return budget.share
        view = budget.holder.view or View(fresh(limits, self._wall()), now)
        return begin_share(view, self._processes.last_known)
