"""Budgets that nobody uses are forgotten once that changes nothing."""

from typing import Final

import asyncpg
import pytest

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.lease_messages import Granted
from authz.domain.quota.quota import Limits
from authz.storage.admin.quota_rows import QuotaRows
from authz.storage.lease_ledger import LeaseLedger
from tests.authz.lease_ledger.asks import LIMITS, RULES, close_lease, open_lease
from tests.authz.lease_ledger.stored import StoredLedger, make_account
from tests.authz.logins import ADMIN, login

_SECOND: Final = 1_000_000
_MONTH_END: Final = 1_798_761_600 * _SECOND  # 2027 begins
_WHOLE: Final = Amounts(LIMITS.requests_per_minute, LIMITS.tokens_per_minute)

_PRUNE: Final = "SELECT prune_quotas(10, $1)"


@pytest.fixture
async def stored(connection: asyncpg.Connection) -> StoredLedger:
    """An account's ledger."""
    return StoredLedger(connection, await make_account(connection, LIMITS))


async def _prune(stored: StoredLedger, now: int) -> int:
    pruned: int = await stored.connection.fetchval(_PRUNE, now)
    left = await stored.connection.fetchval("SELECT count(*) FROM quotas")
    leases = await stored.connection.fetchval("SELECT count(*) FROM leases")
    assert (left, leases > 0) in {(1 - pruned, False), (1, True)}
    return pruned


async def test_a_month_is_remembered_until_it_is_over(stored: StoredLedger) -> None:
    """However idle the account is."""
    at = _MONTH_END - 3600 * _SECOND
    await stored.answer(open_lease("one", _WHOLE), RULES, at)
    await stored.answer(close_lease("one", _WHOLE), RULES, at)
    assert await _prune(stored, _MONTH_END - 1) == 0
    assert await _prune(stored, _MONTH_END) == 1


async def test_what_was_spent_is_remembered_until_it_has_refilled(stored: StoredLedger) -> None:
    """Counted from when the last lease might have ended."""
    at = _MONTH_END - 10 * _SECOND
    await stored.answer(open_lease("one", _WHOLE), RULES, at)
    await stored.answer(close_lease("one", _WHOLE), RULES, at)
    refilled = at + RULES.life + RULES.grace + 60 * _SECOND
    assert await _prune(stored, refilled - 1) == 0
    assert await _prune(stored, refilled) == 1


@pytest.mark.parametrize("held", [Amounts(25, 0), Amounts(0, 2_500)], ids=["requests", "tokens"])
async def test_a_lease_is_remembered_until_it_has_ended_and_refilled(
    stored: StoredLedger, held: Amounts
) -> None:
    """Its holder may have spent all of it at the very end."""
    at = _MONTH_END - 10 * _SECOND
    await stored.answer(open_lease("one", held), RULES, at)
    refilled = at + RULES.life + RULES.grace + 30 * _SECOND
    assert await _prune(stored, refilled - 1) == 0
    assert await _prune(stored, refilled) == 1


async def test_a_lease_of_nothing_is_remembered_until_it_has_ended(stored: StoredLedger) -> None:
    """What its holder tells of it would be lost."""
    at = _MONTH_END - _SECOND
    await stored.answer(open_lease("one", NOTHING), RULES, at)
    assert await _prune(stored, at + RULES.life + RULES.grace - 1) == 0
    assert await _prune(stored, at + RULES.life + RULES.grace) == 1


async def test_a_budget_that_is_in_use_is_left_alone(
    stored: StoredLedger, migrated_url: str
) -> None:
    """Nobody waits for it either."""
    await stored.answer(open_lease("one", NOTHING), RULES, _MONTH_END - 40 * _SECOND)
    await stored.connection.execute("SET lock_timeout = '5s'")
    other = await asyncpg.connect(migrated_url)
    try:
        async with other.transaction():
            await other.execute("SELECT FROM quotas FOR NO KEY UPDATE")
            assert await _prune(stored, _MONTH_END) == 0
        assert await _prune(stored, _MONTH_END) == 1
    finally:
        other.terminate()


async def test_at_most_so_many_are_forgotten_at_once(connection: asyncpg.Connection) -> None:
    """So that no housekeeping takes long."""
    for _ in range(5):
        stored = StoredLedger(connection, await make_account(connection, LIMITS))
        await stored.answer(open_lease("one", NOTHING), RULES, _MONTH_END - 40 * _SECOND)
    counts = [await connection.fetchval("SELECT prune_quotas(2, $1)", _MONTH_END) for _ in range(4)]
    assert counts == [2, 2, 1, 0]


async def test_what_was_forgotten_begins_anew(
    connection: asyncpg.Connection, migrated_url: str, ledger: LeaseLedger
) -> None:
    """With its whole limit; the control plane forgets, and the data plane asks."""
    account = await make_account(connection, Limits(50, 5_000, 10_000))
    await StoredLedger(connection, account).answer(open_lease("one", _WHOLE), RULES, 10**15)
    async with login(migrated_url, ADMIN) as admin:
        assert await QuotaRows(admin).prune(10) == 1
    (answer,) = await ledger.answer([(account, open_lease("two", _WHOLE))])
    assert isinstance(answer, Granted)
    assert answer.total == _WHOLE
    assert answer.quota.month.spent == 0
