"""A client that waits as long as it was told is served, however far away the ledger is."""

from typing import Final

import pytest

from authz.domain.quota import ledger as ledgers
from authz.domain.quota.amounts import Amounts
from authz.domain.quota.asking import hear
from authz.domain.quota.charging import Charged, Outcome, Waiting, charge, settle
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Ask, HolderId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.ledger import Ledger
from authz.domain.quota.outcome import Limited
from authz.domain.quota.quota import Limits, fresh
from authz.domain.quota.upkeep import tend

_SECOND: Final = 1_000_000
_ONE_WAY: Final = 5_000
_RULES: Final = LeaseRules()
_COST: Final = Amounts(1, 100)


class _Far:
    """One holder, and a ledger whose answers take a while."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.now = limits, 1_700_000_000 * _SECOND
        self.ledger = Ledger(fresh(limits, self.now))
        self.holder = Holder(HolderId("one"), _RULES)
        self.decided_at = self.now

    def charge(self, cost: Amounts = _COST) -> Outcome:
        """Charge; the answers that it takes are waited for, and there are two at most."""
        for _ in range(3):
            self.now += 1
            self.holder, outcome, asks = charge(self.holder, cost, self.now)
            self.decided_at = self.now
            self.exchange(asks)
            if not isinstance(outcome, Waiting):
                return outcome
        raise AssertionError("waits for ever")

    def exchange(self, asks: tuple[Ask, ...]) -> None:
        for ask in asks:
            self.now += _ONE_WAY
            self.ledger, answer = ledgers.answer(self.ledger, ask, self.limits, _RULES, self.now)
            self.now += _ONE_WAY
            self.holder = hear(self.holder, ask, answer, self.now)

    def wait(self, microseconds: int) -> None:
        """Wait from the last decision on."""
        end = self.decided_at + microseconds
        while self.now < end:
            self.now = min(end, self.now + _SECOND // 20)
            self.holder, asks = tend(self.holder, self.now)
            self.exchange(asks)


@pytest.mark.parametrize("per_minute", [3, 60, 600])
def test_who_waits_as_told_after_a_burst_is_served(per_minute: int) -> None:
    """What was charged refills from its report on, so a wait is told when it was reported."""
    far = _Far(Limits(per_minute, 10**8, 10**12))
    for _ in range(5):
        while isinstance(outcome := far.charge(), Charged):
            pass
        assert isinstance(outcome, Limited)
        assert outcome.wait is not None
        far.wait(outcome.wait)
        assert isinstance(far.charge(), Charged)


def test_what_was_reported_early_is_not_refunded() -> None:
    """It has begun to refill: returned to the lease, it would be there twice."""
    far = _Far(Limits(3, 10_000, 10**9))
    first = far.charge()
    assert isinstance(first, Charged)
    far.charge(Amounts(2, 200))
    assert isinstance(far.charge(), Limited)
    far.now += 20 * _SECOND
    far.holder = far.holder.enter(far.now)
    second = far.charge()
    assert isinstance(second, Charged)
    assert settle(far.holder, first, refund=True) == far.holder


def test_a_refund_after_an_early_report_is_of_ones_own_charge() -> None:
    """Also where both were charged in the same moment's window, and cost the same."""
    far = _Far(Limits(600, 10**8, 10**12))
    first = far.charge()
    assert isinstance(first, Charged)
    assert far.holder.lease is not None
    lease = far.holder.lease.settle_all()
    later = lease.grow(lease.granted + _COST).charge(_COST)
    assert later.settle(first.cost, first.batch, refund=True) is later
    assert later.settle(_COST, later.unsettled.batch, refund=True).left == lease.left + _COST
