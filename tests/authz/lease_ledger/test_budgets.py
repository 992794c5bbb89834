"""Whose limits hold for an ask, and that each ask gets its own answer."""

from dataclasses import replace
from uuid import UUID, uuid4

import asyncpg
import pytest

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.lease_messages import Answer, BudgetId, Gone, Granted
from authz.domain.quota.quota import Limits
from authz.domain.undecided import DatabaseError
from authz.service.ports import LeaseLedger as LeaseLedgerPort
from authz.storage.lease_ledger import LeaseLedger
from tests.authz.lease_ledger.asks import LIMITS, RULES, close_lease, open_lease, report
from tests.authz.lease_ledger.stored import StoredLedger, make_account

_COST = Amounts(2, 100)

_INSERT_KEY = """
    INSERT INTO keys (id, account_id, name, environment, scopes, pepper_id, digest, prefix,
                      last_four, requests_per_minute, tokens_per_minute)
         VALUES ($1, $2, 'key', 'dev', '{}', '5e5e5e5e', $3, 'sk-tessera-', 'last', $4, $5)
"""


async def _make_key(
    connection: asyncpg.Connection, account: BudgetId, requests: int | None, tokens: int | None
) -> BudgetId:
    key_id = uuid4()
    digest = key_id.bytes * 2
    await connection.execute(_INSERT_KEY, key_id, account, digest, requests, tokens)
    return BudgetId(key_id)


def _limits(answer: Answer | None) -> Limits:
    assert answer is not None
    quota = answer.quota
    return Limits(quota.requests.limit, quota.tokens.limit, quota.month.limit)


async def test_what_has_used_nothing_is_granted_what_it_needs(
    ledger: LeaseLedgerPort, account: BudgetId
) -> None:
    """Reserved in all dimensions, and spent in none."""
    ask = open_lease("one", _COST)
    (answer,) = await ledger.answer([(account, ask)])
    assert isinstance(answer, Granted)
    assert (answer.lease, answer.total, answer.extended) == (ask.lease, _COST, True)
    assert answer.quota.reserved == _COST
    assert answer.quota.month.reserved == _COST.tokens
    assert answer.quota.month.period.starts <= answer.quota.requests.at
    assert answer.quota.requests.at < answer.quota.month.period.ends


async def test_answers_come_in_the_order_of_the_asks(
    ledger: LeaseLedger, connection: asyncpg.Connection
) -> None:
    """Though budgets are locked in an order of their own."""
    budgets = [
        await make_account(connection, replace(LIMITS, tokens_per_minute=n + 1)) for n in range(9)
    ]
    answers = await ledger.answer([(budget, open_lease("one", NOTHING)) for budget in budgets])
    assert [_limits(answer).tokens_per_minute for answer in answers] == list(range(1, 10))


async def test_asks_of_one_budget_are_answered_one_after_the_other(
    ledger: LeaseLedger, account: BudgetId
) -> None:
    """Also in one statement."""
    all_ = Amounts(LIMITS.requests_per_minute, LIMITS.tokens_per_minute)
    first, second, third, fourth = await ledger.answer(
        [
            (account, open_lease("one", all_)),
            (account, open_lease("two", all_)),
            (account, close_lease("one", NOTHING)),
            (account, open_lease("two", all_)),
        ]
    )
    assert isinstance(first, Granted)
    assert isinstance(second, Granted)
    assert isinstance(third, Gone)
    assert isinstance(fourth, Granted)
    assert (first.total, second.total, fourth.total) == (all_, NOTHING, all_)


async def test_there_is_no_answer_without_a_budget(
    ledger: LeaseLedger, connection: asyncpg.Connection, account: BudgetId
) -> None:
    """For an unknown id, and for a key without limits; nothing is stored, and others get theirs."""
    key = await _make_key(connection, account, None, None)
    ask = open_lease("one", _COST)
    unknown, granted, unlimited = await ledger.answer(
        [(BudgetId(UUID(int=7)), ask), (account, ask), (key, ask)]
    )
    assert (unknown, unlimited) == (None, None)
    assert isinstance(granted, Granted)
    assert await connection.fetchval("SELECT count(*) FROM quotas") == 1


async def test_a_key_that_lost_its_limits_has_no_budget(
    ledger: LeaseLedger, connection: asyncpg.Connection, account: BudgetId
) -> None:
    """Though there is a row of what it spent."""
    key = await _make_key(connection, account, 5, None)
    await ledger.answer([(key, open_lease("one", _COST))])
    await connection.execute("UPDATE keys SET requests_per_minute = NULL")
    assert list(await ledger.answer([(key, report("one", _COST))])) == [None]


@pytest.mark.parametrize(
    ("requests", "tokens", "expected"),
    [
        (5, 70, Limits(5, 70, 100_000)),
        (5, None, Limits(5, 5_000, 100_000)),
        (None, 70, Limits(50, 70, 100_000)),
    ],
)
async def test_what_a_key_does_not_limit_takes_the_tiers(
    ledger: LeaseLedger,
    connection: asyncpg.Connection,
    account: BudgetId,
    requests: int | None,
    tokens: int | None,
    expected: Limits,
) -> None:
    """And the month always does."""
    key = await _make_key(connection, account, requests, tokens)
    (answer,) = await ledger.answer([(key, open_lease("one", NOTHING))])
    assert _limits(answer) == expected


async def test_a_changed_tier_holds_at_once(
    ledger: LeaseLedger, connection: asyncpg.Connection, account: BudgetId
) -> None:
    """For the next ask, whoever makes it."""
    await ledger.answer([(account, open_lease("one", _COST))])
    lower = Limits(1, 10, 20)
    await StoredLedger(connection, account).set_limits(lower)
    (answer,) = await ledger.answer([(account, report("one", NOTHING))])
    assert isinstance(answer, Granted)
    assert _limits(answer) == lower
    assert not answer.extended


async def test_the_largest_limits_do_not_overflow(
    ledger: LeaseLedger, connection: asyncpg.Connection
) -> None:
    """Nor does a holder that tells of more than there is: sums stop."""
    whole = Amounts(2**31 - 1, 10**11)
    account = await make_account(connection, Limits(whole.requests, whole.tokens, 2**63 - 1))
    for number in range(3):
        (answer,) = await ledger.answer([(account, open_lease("one", whole, number))])
        beyond = Amounts(whole.requests, 3 * 10**18)
        (answer,) = await ledger.answer([(account, report("one", beyond, number))])
    assert isinstance(answer, Granted)
    assert answer.quota.month.spent == 9 * 10**18
    assert not answer.extended


async def test_processes_that_may_still_answer_are_counted(
    ledger: LeaseLedger, connection: asyncpg.Connection
) -> None:
    """Until they have been without news for as long as they may be."""
    assert await ledger.count_processes() == 0
    await connection.execute(
        "INSERT INTO processes (name, incarnation, number, peppers, stale_after, seen_at)"
        " SELECT n, gen_random_uuid(), 0, '{}', '300 s', now() - n * interval '100 s'"
        "   FROM generate_series(1, 5) AS n"
    )
    assert await ledger.count_processes() == 2


async def test_a_database_that_is_away_is_a_database_error(tmp_path: object) -> None:
    """Of each kind of question."""
    ledger = LeaseLedger(f"postgresql:///x?host={tmp_path}", 1, 1, RULES)
    for question in (ledger.ping, ledger.count_processes, lambda: ledger.answer(())):
        with pytest.raises(DatabaseError):
            await question()
