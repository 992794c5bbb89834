"""A holder and the ledger, message by message."""

from dataclasses import replace
from typing import Final

import pytest

from authz.domain.quota import ledger as ledgers
from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.asking import hear, miss
from authz.domain.quota.charging import Charged, Unanswered, Waiting, charge, settle
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Answer, Ask, Gone, Granted, HolderId, LeaseId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.ledger import Ledger
from authz.domain.quota.outcome import Limited
from authz.domain.quota.quota import Limits, fresh
from authz.domain.quota.upkeep import stop, tend
from tests.authz.quota.simulation.engine import HearAnswer
from tests.authz.quota.simulation.mutants import count_life_from_the_answer

_SECOND: Final = 1_000_000
_NOW: Final = 1_700_000_000 * _SECOND
_RULES: Final = LeaseRules()
_LARGE: Final = Limits(6_000, 600_000, 10**9)
_SMALL: Final = Limits(3, 10_000, 10**9)
_COST: Final = Amounts(1, 100)


class _Pair:
    """One holder and the ledger on one clock, with a network that works."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.now = limits, _NOW
        self.ledger = Ledger(fresh(limits, _NOW))
        self.holder = Holder(HolderId("one"), _RULES)
        self.asked = 0

    def execute(self, ask: Ask) -> Answer:
        self.asked += 1
        self.ledger, answer = ledgers.answer(self.ledger, ask, self.limits, _RULES, self.now)
        return answer

    def exchange(self, asks: tuple[Ask, ...]) -> None:
        for ask in asks:
            self.holder = hear(self.holder, ask, self.execute(ask), self.now)

    def charge(self, cost: Amounts = _COST) -> tuple[Charged | Limited | Unanswered, bool]:
        """Charge; tell also whether it had to wait for an answer."""
        self.holder, outcome, asks = charge(self.holder, cost, self.now)
        self.exchange(asks)
        if not isinstance(outcome, Waiting):
            return outcome, False
        self.holder, outcome, asks = charge(self.holder, cost, self.now)
        self.exchange(asks)
        assert not isinstance(outcome, Waiting)
        return outcome, True

    def wait(self, microseconds: int) -> None:
        end = self.now + microseconds
        while self.now < end:
            self.now = min(end, self.now + _SECOND // 4)
            self.holder, asks = tend(self.holder, self.now)
            self.exchange(asks)


def test_a_steady_caller_waits_once() -> None:
    """The first charge asks; for a minute after it a lease is at hand, renewed ahead of need."""
    pair, waits = _Pair(_LARGE), []
    for _ in range(60 * 20):
        waits.append(pair.charge()[1])
        pair.wait(_SECOND // 20)
    assert waits[0]
    assert not any(waits[60:])
    assert pair.asked < 300


def test_a_small_account_takes_one_grant_per_request() -> None:
    """What one process holds, another has not: so it holds no more than it needs."""
    pair = _Pair(_SMALL)
    for _ in range(3):
        outcome, waited = pair.charge()
        assert isinstance(outcome, Charged)
        assert waited
        assert pair.holder.left(pair.now) == NOTHING
    outcome, _ = pair.charge()
    assert isinstance(outcome, Limited)
    assert (outcome.limit, outcome.used, outcome.requested) == (3, 3, 1)


def test_an_idle_holder_returns_what_it_holds() -> None:
    """All that is left, in all dimensions, and the ledger knows of no lease any more."""
    pair = _Pair(_LARGE)
    for _ in range(50):
        pair.charge()
        pair.wait(_SECOND // 10)
    assert pair.ledger.quota.reserved != NOTHING
    pair.wait(_RULES.idle_after + _SECOND)
    assert pair.ledger.leases == {}
    assert pair.ledger.quota.reserved == NOTHING
    assert pair.ledger.quota.month.spent == 50 * 100


def test_a_stopping_holder_returns_what_it_holds() -> None:
    """At once, with what it spent."""
    pair = _Pair(_LARGE)
    pair.charge()
    pair.holder, asks = stop(pair.holder, pair.now)
    pair.exchange(asks)
    assert pair.ledger.quota.month.spent == 100
    assert pair.ledger.quota.reserved == NOTHING


def test_what_a_dead_holder_held_counts_as_spent() -> None:
    """Not before its end and grace are over, and then it refills like anything spent."""
    pair = _Pair(_SMALL)
    pair.charge()
    just_before = _NOW + _RULES.life + _RULES.grace - 1
    kept = ledgers.advance(pair.ledger, _SMALL, _RULES, just_before)
    assert kept.quota.reserved == _COST
    after = ledgers.advance(pair.ledger, _SMALL, _RULES, just_before + 1)
    assert after.quota.reserved == NOTHING
    assert after.quota.room.requests == 2
    assert after.quota.at(just_before + 1 + 20 * _SECOND).room.requests == 3


def test_a_lease_ends_a_life_after_it_was_asked_for() -> None:
    """However late the answer came."""
    pair = _Pair(_LARGE)
    pair.holder, _, (ask,) = charge(pair.holder, _COST, _NOW)
    answer = pair.execute(ask)
    late = _NOW + _RULES.life - 1
    heard = hear(pair.holder, ask, answer, late)
    assert isinstance(charge(heard, _COST, late)[1], Charged)
    assert isinstance(charge(heard, _COST, late + 1)[1], Waiting)


def test_an_answer_counts_once_and_for_its_own_ask() -> None:
    """A repeated one changes nothing; nor does one that was given up."""
    pair = _Pair(_LARGE)
    pair.holder, _, (ask,) = charge(pair.holder, _COST, _NOW)
    answer = pair.execute(ask)
    heard = hear(pair.holder, ask, answer, _NOW)
    charged, _, _ = charge(heard, _COST, _NOW)
    assert hear(charged, ask, answer, _NOW) == charged
    missed = miss(pair.holder, ask, _NOW)
    assert hear(missed, ask, answer, _NOW) == missed
    assert isinstance(charge(missed, _COST, _NOW)[1], Unanswered)


def test_a_repeated_ask_is_granted_once() -> None:
    """So a statement of which nobody knows whether it was committed may be sent again."""
    pair = _Pair(_LARGE)
    pair.holder, _, (ask,) = charge(pair.holder, _COST, _NOW)
    first = pair.execute(ask)
    assert pair.execute(ask) == first
    assert pair.ledger.quota.reserved == _COST


def test_a_refund_is_there_to_be_charged_again() -> None:
    """Once, even where it is asked for twice."""
    pair = _Pair(_SMALL)
    charged, _ = pair.charge()
    assert isinstance(charged, Charged)
    pair.holder = settle(pair.holder, charged, refund=True)
    assert pair.holder.left(pair.now) == _COST
    assert settle(pair.holder, charged, refund=True) == pair.holder
    assert not pair.charge()[1]


def test_a_lowered_limit_extends_no_lease() -> None:
    """What is out may finish within a life; more is granted once it has refilled."""
    pair = _Pair(_LARGE)
    pair.charge(Amounts(1, 500_000))
    pair.limits = Limits(6_000, 60_000, 10**9)
    assert pair.holder.lease is not None
    ask = Ask(99, pair.holder.lease.id, NOTHING, NOTHING, NOTHING, Amounts(9, 900_000))
    answer = pair.execute(ask)
    assert isinstance(answer, Granted)
    assert not answer.extended
    assert answer.total == pair.holder.lease.granted


def test_a_closed_lease_is_gone() -> None:
    """What its holder still has of it is worth nothing."""
    pair = _Pair(_LARGE)
    pair.charge()
    assert pair.holder.lease is not None
    lease = pair.holder.lease.id
    ask = Ask(98, lease, _COST, NOTHING, NOTHING, NOTHING, closes=True)
    pair.execute(ask)
    assert isinstance(pair.execute(replace(ask, closes=False)), Gone)


@pytest.mark.parametrize(
    ("hear_late", "excess"),
    [(hear, 0), (count_life_from_the_answer, 90_000)],
    ids=["ours", "wrong"],
)
def test_a_holder_that_slept_admits_nothing_beyond_the_limit(
    hear_late: HearAnswer, excess: int
) -> None:
    """Its lease was taken as spent and has refilled; life from the answer would spend it twice."""
    pair = _Pair(_LARGE)
    pair.holder, _, (ask,) = charge(pair.holder, Amounts(1, 90_000), pair.now)
    answer = pair.execute(ask)
    pair.now += _RULES.life + _RULES.grace + 1
    pair.ledger = ledgers.advance(pair.ledger, _LARGE, _RULES, pair.now)
    pair.now += 9 * _SECOND  # in which 90,000 tokens refill
    everything = Amounts(1, pair.ledger.quota.at(pair.now).room.tokens)
    other = Ask(
        0, LeaseId(HolderId("two"), 0), NOTHING, NOTHING, everything, everything, opens=True
    )
    granted = pair.execute(other)
    assert isinstance(granted, Granted)
    holder = hear_late(pair.holder, ask, answer, pair.now)
    admitted = granted.total.tokens + holder.left(pair.now).tokens
    assert admitted - _LARGE.tokens_per_minute == excess
