"""The charging statement on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Protocol
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authz.domain.bucket import Bucket
from authz.domain.directory import AccountId
from authz.domain.undecided import DatabaseError
from authz.service.ports import RequestLedger as RequestLedgerPort
from authz.storage.request_buckets import _TAKE, RequestLedger
from authz.storage.short_statements import ShortStatements
from tests.authz.doubles import ACCOUNT, FakeLedger, ManualClock


def _ledger(url: str, timeout_seconds: float = 10, connections: int = 4) -> RequestLedger:
    return RequestLedger(ShortStatements(url, connections, timeout_seconds), ManualClock())


class _MakeLedger(Protocol):
    def __call__(self) -> RequestLedgerPort: ...


@pytest.fixture(params=["fake", "real"])
def ledger(request: pytest.FixtureRequest, migrated_url: str) -> RequestLedgerPort:
    """Both ledgers, which keep the same contract."""
    return FakeLedger(ManualClock()) if request.param == "fake" else _ledger(migrated_url)


# Limits are so low that nothing refills while a test runs.


async def test_a_fresh_account_has_its_whole_limit(ledger: RequestLedgerPort) -> None:
    """And not one more."""
    granted, bucket = await ledger.take(ACCOUNT.id, 3, 5)
    assert (granted, bucket.limit, bucket.remaining) == (3, 3, 0)


async def test_what_is_granted_is_used(ledger: RequestLedgerPort) -> None:
    """By the next statement too."""
    await ledger.take(ACCOUNT.id, 5, 2)
    granted, bucket = await ledger.take(ACCOUNT.id, 5, 2)
    assert (granted, bucket.remaining) == (2, 1)


async def test_a_spent_bucket_grants_nothing(ledger: RequestLedgerPort) -> None:
    """And is charged nothing for having been asked."""
    await ledger.take(ACCOUNT.id, 2, 2)
    granted, bucket = await ledger.take(ACCOUNT.id, 2, 50)
    assert granted == 0
    assert bucket.time_until_one_fits <= timedelta(seconds=30)


async def test_accounts_have_buckets_of_their_own(ledger: RequestLedgerPort) -> None:
    """One customer's load is not another's."""
    await ledger.take(ACCOUNT.id, 2, 2)
    assert (await ledger.take(AccountId(uuid4()), 2, 2))[0] == 2


async def test_a_lowered_limit_holds_at_once(ledger: RequestLedgerPort) -> None:
    """What was used under the old limit counts against the new one."""
    await ledger.take(ACCOUNT.id, 10, 8)
    assert (await ledger.take(ACCOUNT.id, 4, 1))[0] == 0


async def test_what_is_owed_is_charged_first(ledger: RequestLedgerPort) -> None:
    """In part or beyond the limit: only what is left after it is granted."""
    granted, bucket = await ledger.take(ACCOUNT.id, 5, 5, owed=2.5)
    assert (granted, bucket.remaining) == (2, 0)
    granted, bucket = await ledger.take(ACCOUNT.id, 5, 1, owed=4.0)
    assert granted == 0
    assert bucket.time_until_one_fits > timedelta(seconds=40)


async def test_many_connections_never_get_more_than_the_limit(migrated_url: str) -> None:
    """Nor fewer: every slot that was sold is granted, to whoever comes first."""
    limit = 50
    ledgers = [_ledger(migrated_url, connections=1) for _ in range(16)]
    takes = [ledger.take(ACCOUNT.id, limit, 1 + n % 3) for n, ledger in enumerate(ledgers * 8)]
    granted = [granted for granted, _ in await asyncio.gather(*takes)]
    refilled = 10  # a slow machine may take seconds, and 50 a minute refill meanwhile
    assert limit <= sum(granted) <= limit + refilled


@pytest.fixture
async def one_connection(migrated_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that a whole property runs on."""
    connection = await asyncpg.connect(migrated_url)
    yield connection
    connection.terminate()


async def test_the_statement_is_the_arithmetic(one_connection: asyncpg.Connection) -> None:
    """Whatever was used, however long ago, SQL and Python grant the same."""
    loop = asyncio.get_running_loop()

    @settings(max_examples=60)
    @given(
        st.integers(1, 100_000),
        st.floats(0, 1, allow_nan=False),
        st.floats(-100, 100, allow_nan=False),
        st.integers(1, 500),
        st.floats(0, 600, allow_nan=False),
    )
    def property_(limit: int, share: float, elapsed: float, asked: int, owed: float) -> None:
        future = asyncio.run_coroutine_threadsafe(
            _take_after(one_connection, limit, share * limit, elapsed, asked, owed), loop
        )
        granted, used = future.result(30)
        bucket = Bucket(limit, share * limit, 0.0).owe(owed, elapsed)
        expected, after = bucket.take(asked, elapsed)
        # PostgreSQL keeps microseconds, in which a fraction of a request refills.
        assert abs(granted - expected) <= 1
        assert abs(used - granted - (after.used - expected)) <= 1e-6 * limit + 1e-6

    await asyncio.to_thread(property_)


async def _take_after(
    connection: asyncpg.Connection,
    limit: int,
    used: float,
    elapsed: float,
    asked: int,
    owed: float = 0.0,
) -> tuple[int, float]:
    """Charge a bucket that was written `elapsed` seconds ago; in one transaction, time stands."""
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO request_buckets VALUES ($1, $2, now() - $3::interval)"
            " ON CONFLICT (account_id) DO UPDATE SET used = excluded.used, at = excluded.at",
            ACCOUNT.id,
            used,
            timedelta(seconds=elapsed),
        )
        row = await connection.fetchrow(_TAKE, ACCOUNT.id, asked, limit, owed)
    assert row is not None
    return row["granted"], row["used"]


async def test_a_clock_that_was_set_back_does_not_lock_an_account_out(
    connection: asyncpg.Connection,
) -> None:
    """Its bucket starts to refill from here, not from a time that is yet to come."""
    await _take_after(connection, 60, 60.0, -3600, 1)
    assert await connection.fetchval("SELECT at <= now() FROM request_buckets")


async def test_a_statement_that_waits_too_long_is_given_up(migrated_url: str) -> None:
    """Here, because another session holds the table."""
    blocker = await asyncpg.connect(migrated_url)
    ledger = _ledger(migrated_url, timeout_seconds=0.2)
    await ledger.take(ACCOUNT.id, 5, 1)
    try:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE request_buckets")
            with pytest.raises(DatabaseError):
                await ledger.take(ACCOUNT.id, 5, 1)
        await ledger.ping()
    finally:
        blocker.terminate()


async def test_lost_connections_are_replaced(migrated_url: str, postgres_url: str) -> None:
    """After a restart of the server one failure is enough to notice."""
    ledger = _ledger(migrated_url)
    await asyncio.gather(*(ledger.take(AccountId(uuid4()), 5, 1) for _ in range(4)))
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'tessera-authz-charge'"
    )
    admin.terminate()
    try:
        await ledger.ping()
    except DatabaseError:
        await ledger.ping()


async def test_charging_reads_one_row_by_its_key(connection: asyncpg.Connection) -> None:
    """However many accounts there are."""
    plan = await connection.fetch(
        "EXPLAIN UPDATE request_buckets SET used = 1 WHERE account_id = $1", ACCOUNT.id
    )
    assert any("request_buckets_pkey" in row[0] for row in plan)
