"""A server that may have lost its newest grants makes none until those are over."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from authz.domain.quota.amounts import Amounts
from authz.domain.quota.lease_messages import Answer, BudgetId, Granted
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.undecided import DatabaseError, LedgerLearningError
from authz.storage.lease_ledger import LeaseLedger
from tests.authz.lease_ledger.asks import LIMITS, RULES, open_lease, report
from tests.authz.lease_ledger.failover import Pair, running_pair
from tests.authz.lease_ledger.stored import make_account

_COST = Amounts(1, 90)
_SHORT = LeaseRules(life=300_000, grace=200_000)
_LOSE = "UPDATE ledger_history SET history = 'of another server'"
_READ = "SELECT * FROM quotas"


async def _answer_at_last(
    ledger: LeaseLedger, account: BudgetId, needed: Amounts
) -> tuple[Sequence[Answer | None], int]:
    """Ask until there is an answer; tell how often there was none."""
    async with asyncio.timeout(30):
        for refused in range(10_000):
            with suppress(LedgerLearningError):
                return await ledger.answer([(account, open_lease("late", needed))]), refused
            await asyncio.sleep(0.02)
    raise AssertionError


async def test_a_new_ledger_has_nothing_to_learn(ledger: LeaseLedger, account: BudgetId) -> None:
    """It answers at once, and goes on to."""
    await ledger.ping()
    for _ in range(2):
        (answer,) = await ledger.answer([(account, open_lease("one", _COST))])
        assert isinstance(answer, Granted)


async def test_a_ledger_of_another_history_grants_nothing(
    ledger: LeaseLedger, connection: asyncpg.Connection, account: BudgetId
) -> None:
    """And books nothing; whoever looks whether it is back is told that it is not."""
    await ledger.answer([(account, open_lease("one", _COST))])
    before = await connection.fetch(_READ)
    await connection.execute(_LOSE)
    for _ in range(2):
        with pytest.raises(LedgerLearningError):
            await ledger.answer([(account, report("one", _COST))])
        with pytest.raises(LedgerLearningError):
            await ledger.ping()
    assert await connection.fetch(_READ) == before
    assert issubclass(LedgerLearningError, DatabaseError)


async def test_it_grants_again_when_all_that_was_out_is_over(
    data_url: str, connection: asyncpg.Connection, account: BudgetId
) -> None:
    """A life and a grace after it was first asked."""
    ledger = LeaseLedger(data_url, 1, 10, _SHORT)
    await ledger.ping()
    await connection.execute(_LOSE)
    began = await connection.fetchval("SELECT clock_timestamp()")
    (answer,), refused = await _answer_at_last(ledger, account, _COST)
    assert isinstance(answer, Granted)
    assert refused > 0
    waited = await connection.fetchval("SELECT clock_timestamp() - $1::timestamptz", began)
    assert waited.total_seconds() >= (_SHORT.life + _SHORT.grace) / 1e6


async def test_a_clock_that_was_set_back_does_not_prolong_it(
    data_url: str, connection: asyncpg.Connection, account: BudgetId
) -> None:
    """Beyond a life and a grace from then on."""
    ledger = LeaseLedger(data_url, 1, 10, _SHORT)
    await ledger.ping()
    await connection.execute("UPDATE ledger_history SET trusted_from = trusted_from + 3600000000")
    _, refused = await _answer_at_last(ledger, account, _COST)
    assert refused > 0


async def test_many_that_notice_at_once_wait_for_the_same_moment(
    data_url: str, connection: asyncpg.Connection, account: BudgetId
) -> None:
    """None of them begins anew what another began."""
    ledgers = [LeaseLedger(data_url, 1, 10, RULES) for _ in range(8)]
    await ledgers[0].ping()
    await connection.execute(_LOSE)
    moments = set()
    for _ in range(2):
        pings = await asyncio.gather(*(each.ping() for each in ledgers), return_exceptions=True)
        assert all(isinstance(each, LedgerLearningError) for each in pings)
        moments.add(await connection.fetchval("SELECT trusted_from FROM ledger_history"))
    assert len(moments) == 1


async def test_a_copy_that_took_over_learns() -> None:
    """A real one: it lacks the last grant, and has a timeline of its own."""
    with tempfile.TemporaryDirectory(prefix="tessera-") as folder:
        async with running_pair(Path(folder)) as pair:
            account = await _lose_a_grant(pair)
            there = LeaseLedger(pair.second.url(), 1, 10, _SHORT)
            with pytest.raises(LedgerLearningError):
                await there.answer([(account, open_lease("two", _COST))])
            (answer,), _ = await _answer_at_last(there, account, _COST)
    assert isinstance(answer, Granted)
    assert answer.quota.reserved == _COST
    assert answer.quota.month.spent == _COST.tokens  # the grant it knew of is over, too


async def _lose_a_grant(pair: Pair) -> BudgetId:
    connection = await asyncpg.connect(pair.first.url())
    account = await make_account(connection, LIMITS)
    connection.terminate()
    ledger = LeaseLedger(pair.first.url(), 1, 10, _SHORT)
    await ledger.answer([(account, open_lease("one", _COST))])
    pair.copy()
    await ledger.answer([(account, open_lease("lost", _COST))])
    await pair.take_over()
    return account
