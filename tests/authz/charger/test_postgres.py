"""Charging over the real ledger."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

import asyncpg
import pytest

from authz.domain.directory import AccountId, Holder
from authz.domain.evidence import Source
from authz.domain.quota.amounts import Amounts
from authz.domain.quota.lease_messages import Answer, Ask, BudgetId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.quota import Limits
from authz.service.quota.decision import Admitted
from authz.storage.lease_ledger import LeaseLedger
from runtime.boot import microseconds_since_boot
from tests.authz.charger.parts import COST, Parts
from tests.authz.doubles import ACCOUNT
from tests.authz.lease_ledger.stored import StoredLedger, make_account
from tests.authz.logins import DATA, login_url

_LIMITS: Final = Limits(60_000, 60_000_000, 10**12)


class _CountingLedger(LeaseLedger):
    """The real one; knows how often it was asked."""

    statements = 0

    async def answer(self, asks: Sequence[tuple[BudgetId, Ask]]) -> Sequence[Answer | None]:
        """Count, and answer."""
        self.statements += 1
        return await super().answer(asks)


@pytest.fixture
async def data_url(migrated_url: str) -> str:
    """The connection string of a process that answers checks."""
    return login_url(migrated_url, DATA)


@asynccontextmanager
async def _process(url: str, name: str = "one") -> AsyncIterator[tuple[Parts, _CountingLedger]]:
    """Run a charger by the real clock; its leases are returned at the end."""
    ledger = _CountingLedger(url, 3, 10, LeaseRules())
    parts = Parts(_LIMITS, ledger=ledger, now=microseconds_since_boot, name=name)
    running = asyncio.create_task(parts.charger.run())
    try:
        yield parts, ledger
    finally:
        running.cancel()
        await parts.charger.stop(10)


def _holder(parts: Parts, account: BudgetId) -> Holder:
    return replace(parts.holder(), account=replace(ACCOUNT, id=AccountId(account)))


async def test_with_a_lease_held_there_is_no_round_trip(
    data_url: str, connection: asyncpg.Connection
) -> None:
    """A hundred requests, and not one statement for any of them."""
    async with _process(data_url) as (parts, ledger):
        holder = _holder(parts, await make_account(connection, _LIMITS))
        await _hold_a_lease(parts, holder)
        before = ledger.statements
        decisions = [await parts.charge(holder=holder) for _ in range(100)]
        assert {each.evidence.source for each in decisions} == {Source.LEASE}
        assert ledger.statements == before  # none of them let anything else run


async def _hold_a_lease(parts: Parts, holder: Holder) -> None:
    """Charge until more is at hand than a hundred requests need."""
    for _ in range(2000):
        decision = await parts.charge(holder=holder)
        if (decision.evidence.left or Amounts(0, 0)).requests > 200:
            return
        await asyncio.sleep(0.001)
    pytest.fail("there is no lease of that size")


async def test_processes_share_a_limit_to_the_last_request(
    data_url: str, connection: asyncpg.Connection
) -> None:
    """All of it is had, by whichever asks, and nothing beyond it."""
    account = await make_account(connection, Limits(40, 40_000, 10**9))
    async with _process(data_url) as (one, _), _process(data_url, "two") as (two, _):
        started = microseconds_since_boot()
        charges = (
            each.charge(COST, _holder(each, account)) for each in (one, two) for _ in range(60)
        )
        decisions = await asyncio.gather(*charges)
        refilled = (microseconds_since_boot() - started) * 40 / 60_000_000
    admitted = sum(isinstance(each, Admitted) for each in decisions)
    row = await connection.fetchrow("SELECT month_spent, tokens_reserved FROM quotas")
    assert row is not None
    assert tuple(row) == (admitted * 100, 0)
    assert 40 <= admitted <= 40 + refilled


async def test_a_changed_tier_counts_without_a_restart(
    data_url: str, connection: asyncpg.Connection
) -> None:
    """As soon as what was last heard is too old to refuse by."""
    account = await make_account(connection, Limits(1, 40_000, 10**9))
    async with _process(data_url) as (parts, _):
        holder = _holder(parts, account)
        assert await parts.admits(holder=holder)
        assert not await parts.admits(holder=holder)
        await StoredLedger(connection, account).set_limits(Limits(100_000, 40_000, 10**9))
        async with asyncio.timeout(20):
            while not await parts.admits(holder=holder):  # noqa: ASYNC110 nothing tells
                await asyncio.sleep(0.02)


async def test_stopping_leaves_no_lease(data_url: str, connection: asyncpg.Connection) -> None:
    """What was spent is booked, and the rest is there for others at once."""
    async with _process(data_url) as (parts, _):
        holder = _holder(parts, await make_account(connection, _LIMITS))
        await _hold_a_lease(parts, holder)
        assert await connection.fetchval("SELECT count(*) FROM leases") == 1
    assert await connection.fetchval("SELECT count(*) FROM leases") == 0
    assert await connection.fetchval("SELECT tokens_reserved FROM quotas") == 0
