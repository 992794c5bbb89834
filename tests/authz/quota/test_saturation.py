"""Eight processes that are offered ten times an account's limit, for three minutes."""

from random import Random
from typing import Final

import pytest

from authz.domain.quota import ledger as ledgers
from authz.domain.quota.amounts import Amounts
from authz.domain.quota.asking import hear
from authz.domain.quota.charging import Charged, Waiting, charge
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Ask, HolderId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.ledger import Ledger
from authz.domain.quota.quota import Limits, fresh
from authz.domain.quota.upkeep import tend
from tests.authz.quota.simulation.truth import Admission, Truth

_RULES: Final = LeaseRules()
_START: Final = 1_700_000_000_000_000
_STEP: Final = 50_000
_DURATION: Final = 180_000_000
_MONTH: Final = 10**12


class _Processes:
    """Holders that share a ledger at no distance; outcomes never come, and are settled by age."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.now = limits, _START
        self.ledger = Ledger(fresh(limits, _START))
        self.holders = [Holder(HolderId(str(number)), _RULES) for number in range(8)]
        self.truth = Truth(limits, 0, _START)

    def exchange(self, place: int, asks: tuple[Ask, ...]) -> None:
        for ask in asks:
            self.ledger, answer = ledgers.answer(self.ledger, ask, self.limits, _RULES, self.now)
            self.holders[place] = hear(self.holders[place], ask, answer, self.now)

    def offer(self, place: int, cost: Amounts) -> None:
        for _ in range(2):  # and once more, after the answer
            self.holders[place], outcome, asks = charge(self.holders[place], cost, self.now)
            self.exchange(place, asks)
            if isinstance(outcome, Charged):
                self.truth.admit(Admission(self.now, cost))
            if not isinstance(outcome, Waiting):
                return

    def step(self) -> None:
        self.now += _STEP
        for place in range(len(self.holders)):
            self.holders[place], asks = tend(self.holders[place], self.now)
            self.exchange(place, asks)


@pytest.mark.parametrize(
    ("limits", "tokens_max"),
    [
        (Limits(3, 10_000, _MONTH), 500),
        (Limits(60, 1_000_000, _MONTH), 2_000),
        (Limits(3_000, 100_000, _MONTH), 600),
        (Limits(3_000, 1_000_000, _MONTH), 6_000),
    ],
    ids=str,
)
def test_what_was_sold_is_admitted_and_nothing_beyond(limits: Limits, tokens_max: int) -> None:
    """The log of admissions never exceeds the bucket, and reaches 98 % of it, less one request."""
    random, processes = Random(1), _Processes(limits)  # noqa: S311 it is to be the same again
    admitted_per_second = min(limits.requests_per_minute, limits.tokens_per_minute * 2 / tokens_max)
    offered_per_step = admitted_per_second / 60 * 10 * _STEP / 1_000_000
    due = 0.0
    while processes.now < _START + _DURATION:
        due += offered_per_step
        while due >= 1:
            due -= 1
            processes.offer(random.randrange(8), Amounts(1, random.randint(1, tokens_max)))
        processes.step()
    admitted = processes.truth.admitted(_START)
    sold = limits.during(60_000_000 + _DURATION)
    share = max(admitted.requests / sold.requests, admitted.tokens / sold.tokens)
    assert share >= 0.98 or admitted.requests >= sold.requests - 1
