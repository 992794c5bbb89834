"""What was granted without the ledger is told to it, and counts once."""

from typing import Final

from authz.domain.quota import ledger as ledgers
from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.asking import disown, hear, miss
from authz.domain.quota.holder import Holder, View
from authz.domain.quota.lease_messages import Answer, Ask, HolderId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.ledger import Ledger
from authz.domain.quota.outage_share import begin_share
from authz.domain.quota.owing import Debt, is_owing, owe
from authz.domain.quota.quota import Limits, fresh
from authz.domain.quota.upkeep import next_due, tend

_SECOND: Final = 1_000_000
_NOW: Final = 1_700_000_000 * _SECOND
_RULES: Final = LeaseRules()
_LIMITS: Final = Limits(6_000, 600_000, 10**9)
_DEBT: Final = Debt(Amounts(5, 500), refilled=Amounts(3, 300))


def _answer(ledger: Ledger, ask: Ask, now: int) -> tuple[Ledger, Answer]:
    return ledgers.answer(ledger, ask, _LIMITS, _RULES, now)


def test_a_debt_whose_answers_are_lost_is_booked_once() -> None:
    """Also by a holder that has long been idle."""
    ledger = Ledger(fresh(_LIMITS, _NOW))
    holder = owe(Holder(HolderId("one"), _RULES), _DEBT, _NOW)
    for tenths in range(80):
        holder, asks = tend(holder, _NOW + tenths * _SECOND // 10)
        for ask in asks:
            ledger, _ = _answer(ledger, ask, _NOW + tenths * _SECOND // 10)
            holder = miss(holder, ask, _NOW + tenths * _SECOND // 10)
    assert ledger.quota.month.spent == 500


def test_a_debt_that_grows_is_booked_once() -> None:
    """Whether the ledger heard of the first part or not."""
    for heard in (True, False):
        ledger = Ledger(fresh(_LIMITS, _NOW))
        holder = owe(Holder(HolderId("one"), _RULES), _DEBT, _NOW)
        holder, [ask] = tend(holder, _NOW)
        if heard:
            ledger, late = _answer(ledger, ask, _NOW)
        holder = owe(holder, _DEBT, _NOW + _SECOND)
        if heard:
            holder = hear(holder, ask, late, _NOW + _SECOND)
        assert is_owing(holder)
        holder, asks = tend(holder, _NOW + 2 * _SECOND)
        for each in asks:
            ledger, answer = _answer(ledger, each, _NOW + 2 * _SECOND)
            holder = hear(holder, each, answer, _NOW + 2 * _SECOND)
        assert not is_owing(holder)
        assert ledger.quota.month.spent == 1_000
        assert ledger.quota.requests.spent >= 4 * 60_000_000


def test_nobody_is_owed_where_there_is_no_ledger_any_more() -> None:
    """A key's limits were taken away in an outage: it is not told of its debt for ever."""
    holder = owe(Holder(HolderId("one"), _RULES), _DEBT, _NOW)
    holder, [ask] = tend(holder, _NOW)
    holder = disown(holder, ask, _NOW)
    assert not is_owing(holder)
    assert tend(holder, _NOW + 60 * _SECOND)[1] == ()
    assert next_due(holder, _NOW) is None


def test_no_more_refills_than_was_granted() -> None:
    """A limit that is raised in an outage takes nothing off what others spent."""
    small, large = Limits(10, 1_000, 10**9), Limits(1_000, 100_000, 10**9)
    view = View(fresh(small, _NOW).spend(Amounts(10, 1_000)), _NOW)
    share, limited = begin_share(view, 1).charge(Amounts(1, 100), large, _NOW)
    assert limited is None
    _, debt = share.owe(_NOW + 20 * _SECOND)
    assert debt == Debt(Amounts(1, 100), Amounts(1, 100))
    assert debt.granted.beyond(debt.refilled) == NOTHING
