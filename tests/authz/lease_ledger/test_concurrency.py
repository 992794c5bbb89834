"""Many processes on the same budgets at once, and statements of which nobody knows the end."""

import asyncio
from collections import defaultdict
from random import Random

import asyncpg
import pytest

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.lease_messages import BudgetId, Granted
from authz.domain.undecided import DatabaseError
from authz.storage.lease_ledger import LeaseLedger
from authz.storage.short_statements import ShortStatements
from tests.authz.lease_ledger.asks import LIMITS, RULES, close_lease, open_lease, report
from tests.authz.lease_ledger.stored import StoredLedger, make_account

_COST = Amounts(1, 90)
_PROCESSES = 12


async def test_many_processes_get_the_limit_together(data_url: str, account: BudgetId) -> None:
    """Not one more, and not one less: what is leased does not refill."""
    granted = NOTHING

    async def run(name: str) -> None:
        nonlocal granted
        ledger = LeaseLedger(data_url, 1, 20, RULES)
        for number in range(10):
            (answer,) = await ledger.answer([(account, open_lease(name, _COST, number))])
            assert isinstance(answer, Granted)
            granted += answer.total

    await asyncio.gather(*(run(f"process{n}") for n in range(_PROCESSES)))
    assert granted == Amounts(LIMITS.requests_per_minute, LIMITS.requests_per_minute * 90)


async def test_batches_that_cross_never_wait_in_a_circle(
    data_url: str, connection: asyncpg.Connection
) -> None:
    """Budgets in any order, some of which nobody has asked about before; the sums hold for each."""
    budgets = [await make_account(connection, LIMITS) for _ in range(8)]
    granted: dict[BudgetId, Amounts] = defaultdict(lambda: NOTHING)

    async def run(number: int) -> None:
        ledger = LeaseLedger(data_url, 1, 20, RULES)
        random = Random(number)  # noqa: S311 no secret
        for serial in range(12):
            batch = random.choices(budgets, k=10)
            asks = [open_lease(f"{number} {n}", _COST, serial) for n in range(10)]
            for budget, answer in zip(
                batch, await ledger.answer(list(zip(batch, asks, strict=True))), strict=True
            ):
                assert isinstance(answer, Granted)
                granted[budget] += answer.total

    await asyncio.gather(*(run(number) for number in range(_PROCESSES)))
    whole = Amounts(LIMITS.requests_per_minute, LIMITS.requests_per_minute * 90)
    assert dict(granted) == dict.fromkeys(budgets, whole)


async def test_an_answer_that_was_lost_is_given_again(
    ledger: LeaseLedger, connection: asyncpg.Connection, account: BudgetId
) -> None:
    """What was booked is booked once, whoever knows of it."""
    ask, told = open_lease("one", _COST), report("one", _COST)
    first, again = [await ledger.answer([(account, ask)]) for _ in range(2)]
    assert [each and each.total for each in (*first, *again) if isinstance(each, Granted)] == [
        _COST
    ] * 2
    for _ in range(2):
        await ledger.answer([(account, told)])
    leases = await StoredLedger(connection, account).leases()
    assert [(lease.granted, lease.spent) for lease in leases.values()] == [(_COST, _COST)]


async def test_a_statement_that_waits_too_long_is_given_up(
    data_url: str, connection: asyncpg.Connection, account: BudgetId
) -> None:
    """Whole: nothing of its batch is booked, and the ledger answers again."""
    ledger = LeaseLedger(data_url, 1, 1.5, RULES)
    other = await make_account(connection, LIMITS)
    await ledger.answer([(account, open_lease("one", NOTHING))])
    async with connection.transaction():
        await connection.execute("SELECT FROM quotas FOR UPDATE")
        with pytest.raises(DatabaseError):
            await ledger.answer([(each, open_lease("one", _COST)) for each in (account, other)])
    stored = StoredLedger(connection, account)
    patient = LeaseLedger(data_url, 1, 20, RULES)
    await patient.answer([(account, report("one", NOTHING))])
    assert [lease.granted for lease in (await stored.leases()).values()] == [NOTHING]
    assert await StoredLedger(connection, other).leases() == {}


async def test_the_time_is_taken_once_the_budget_is_ours(
    data_url: str, connection: asyncpg.Connection, account: BudgetId
) -> None:
    """An earlier time than that of whoever had it before would refill less, or more."""
    ledger = LeaseLedger(data_url, 1, 20, RULES)
    await ledger.answer([(account, open_lease("one", NOTHING))])
    async with connection.transaction():
        await connection.execute("SELECT FROM quotas FOR UPDATE")
        asking = asyncio.create_task(ledger.answer([(account, report("one", NOTHING))]))
        await _until_waiting(connection)
        released_at = await connection.fetchval(
            "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
        )
    (answer,) = await asking
    assert answer is not None
    assert answer.quota.requests.at > released_at


async def test_a_budget_that_another_just_made_is_used(
    data_url: str, connection: asyncpg.Connection, account: BudgetId
) -> None:
    """Whoever comes second waits for the first, and sees what it did."""
    ledger = LeaseLedger(data_url, 1, 20, RULES)
    whole = Amounts(LIMITS.requests_per_minute, LIMITS.tokens_per_minute)
    async with connection.transaction():
        await StoredLedger(connection, account).answer(open_lease("one", _COST), RULES)
        asking = asyncio.create_task(ledger.answer([(account, open_lease("two", whole))]))
        await _until_waiting(connection)
    (answer,) = await asking
    assert isinstance(answer, Granted)
    assert (answer.total, answer.quota.reserved) == (NOTHING, _COST)


async def _until_waiting(connection: asyncpg.Connection) -> None:
    async with asyncio.timeout(20):
        while not await connection.fetchval(_IS_WAITING):  # noqa: ASYNC110 another process waits
            await asyncio.sleep(0.01)


# Unlike pg_stat_activity, not the same until the transaction ends.
_IS_WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"


async def test_a_grant_is_on_the_servers_disk_before_it_is_used(migrated_url: str) -> None:
    """As the server has it set; other short statements do not wait for that."""
    source = "SELECT source FROM pg_settings WHERE name = 'synchronous_commit'"
    durable = ShortStatements(migrated_url, 1, 5, durable=True)
    hasty = ShortStatements(migrated_url, 1, 5)
    assert (await durable.fetch_row(source))["source"] != "client"
    assert (await hasty.fetch_row(source))["source"] == "client"
    assert (
        LeaseLedger(migrated_url, 1, 5, RULES)._statements._settings.keys()
        == durable._settings.keys()
    )


async def test_an_ask_reads_by_keys_and_changes_no_index(
    data_url: str, connection: asyncpg.Connection
) -> None:
    """However many budgets and leases there are, and however small the tables once were."""
    ledger = LeaseLedger(data_url, 1, 10, RULES)
    budgets = [await make_account(connection, LIMITS) for _ in range(60)]
    await connection.execute("ANALYZE")
    before = await _statistics(ledger, connection)
    for _ in range(10):  # enough for plans that are kept
        await ledger.answer([(budgets[0], open_lease("one", _COST))])
    await ledger.answer([(each, open_lease("one", _COST)) for each in budgets])
    middle = await _statistics(ledger, connection)
    for spent in range(30):
        told = Amounts(spent, spent)
        await ledger.answer([(each, report("one", told)) for each in budgets])
    after = await _statistics(ledger, connection)
    assert after["seq_scan"] == before["seq_scan"]
    updates, hot = (after[name] - middle[name] for name in ("n_tup_upd", "n_tup_hot_upd"))
    assert updates == 2 * 30 * 60
    assert hot > 0.99 * updates
    await ledger.answer([(each, close_lease("one", NOTHING)) for each in budgets])
    assert await connection.fetchval("SELECT count(*) FROM leases") == 0


async def _statistics(ledger: LeaseLedger, connection: asyncpg.Connection) -> dict[str, int]:
    """Return what the server counted, once both sessions have told it."""
    for fetch in (ledger._statements.fetch_row, connection.fetchrow):
        await fetch("SELECT pg_stat_force_next_flush()")
    row = await connection.fetchrow(_STATISTICS)
    assert row is not None
    return dict(row)


_STATISTICS = """
    SELECT sum(seq_scan)::bigint AS seq_scan, sum(n_tup_upd)::bigint AS n_tup_upd,
           sum(n_tup_hot_upd)::bigint AS n_tup_hot_upd
      FROM pg_stat_user_tables WHERE relname IN ('quotas', 'leases', 'accounts', 'tiers', 'keys')
"""
