"""Takes charges back for requests that Envoy saw fail, each once."""

import asyncio
from collections.abc import Callable

import structlog

from authz.domain.directory import AccountId, KeyId
from authz.domain.undecided import UsageUnavailableError
from authz.domain.usage.charge import Charge
from authz.domain.usage.failure import Failure
from authz.domain.usage.position import Failures, Position
from authz.domain.usage.refund import Refund
from authz.service.quota.decision import Ticket
from authz.service.usage.fold import fold_all
from authz.service.usage.metrics import UsageMetrics
from authz.service.usage.ports import FailureSource, Journal
from authz.service.usage.recent import Recent
from authz.service.usage.record import Paid

_log = structlog.get_logger()

GiveBack = Callable[[AccountId, KeyId, Ticket], bool]
"""Gives a charge back to the lease that paid it; false where it is too late for that."""


class Refunder:
    """Follows the file of failures, every `interval_seconds`: soon enough for a lease to take back.

    How far it has come is written down together with what was refunded, so each failure counts
    once. Each process reads all failures, and finds among them the requests of its own journal.
    """

    def __init__(
        self,
        journal: Journal,
        failures: FailureSource,
        give_back: GiveBack,
        paid: Recent[int, Paid],
        given_up: Recent[str, str],
        metrics: UsageMetrics,
        interval_seconds: float,
    ) -> None:
        self._journal = journal
        self._failures = failures
        self._give_back = give_back
        self._paid = paid
        self._given_up = given_up
        self._metrics = metrics
        self._interval_seconds = interval_seconds
        self._position: Position | None = None
        self._given_back: set[int] = set()
        """By charges whose refund is not written down yet."""
        self._failure: str | None = None
        self._has_caught_up = False

    def has_caught_up(self) -> bool:
        """Tell whether all was read once that there was, or could not be."""
        return self._has_caught_up

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self.refund_new()
            await asyncio.sleep(self._interval_seconds)

    async def refund_new(self) -> None:
        """Refund what was reported since the last time; what cannot be done now is done later."""
        try:
            position = self._start() if self._position is None else self._position
            while (new := self._failures.read(position)) is not None:
                await fold_all(self._journal)
                self._refund(new)
                position = self._position = new.position
                await asyncio.sleep(0)
            self._failures.release(position)
        except (OSError, UsageUnavailableError) as error:
            self._note(str(error) or type(error).__name__)
        else:
            self._failure = None
        self._has_caught_up = True

    def _start(self) -> Position:
        """Go on from where this journal's last process was; a new journal has nothing to refund."""
        position = self._journal.read_position() or self._failures.end()
        self._journal.refund((), position)
        self._position = position
        return position

    def _refund(self, new: Failures) -> None:
        refunds: dict[int, Refund] = {}
        for failure in new.found:
            if not failure.is_refunded:
                continue
            charge = self._find(failure, refunds)
            if charge is not None:
                to_lease = self._return_to_lease(charge)
                refunds[charge.number] = Refund(charge, failure.is_model_failure, to_lease)
            elif not failure.was_sent:
                # Envoy may have given up on a check that is still under way.
                self._given_up.put(failure.request_id, failure.request_id)
        self._journal.refund(tuple(refunds.values()), new.position)
        self._given_back.clear()
        for refund in refunds.values():
            self._count(refund)

    def _find(self, failure: Failure, refunds: dict[int, Refund]) -> Charge | None:
        """Return the charge of a request: another for each failure, should ids ever repeat."""
        charges = self._journal.find(failure.request_id)
        return next((each for each in charges if each.number not in refunds), None)

    def _return_to_lease(self, charge: Charge) -> bool:
        if charge.number in self._given_back:
            return True
        paid = self._paid.get(charge.number)
        if paid is None or not self._give_back(paid.account_id, paid.key_id, paid.ticket):
            return False
        self._given_back.add(charge.number)
        return True

    def _count(self, refund: Refund) -> None:
        if refund.to_lease:
            self._metrics.to_lease.inc()
        elif refund.charge.is_leased:
            self._metrics.to_month.inc()
        else:
            self._metrics.to_nobody.inc()

    def _note(self, why: str) -> None:
        """Say why, once."""
        if why != self._failure:
            _log.error("refunds.delayed", why=why)
        self._failure = why
