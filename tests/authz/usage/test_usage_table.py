"""Usage in PostgreSQL: told as often as you like, it is there once."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from authz.domain.directory import AccountId, KeyId
from authz.domain.undecided import DatabaseError
from authz.domain.usage.charge import MINUTE, User
from authz.domain.usage.tally import NOTHING, Counter, Tally
from authz.service.usage.drain import UsageDrain
from authz.storage.short_statements import ShortStatements
from authz.storage.usage_table import UsageTable
from tests.authz.logins import DATA, login_url
from tests.authz.usage.making import ALICE, BOB, Clock, Kept

_HERE = UUID(int=70)
_THERE = UUID(int=71)
_DAY = 24 * 60

_HOURS = """
    SELECT account_id, key_id, model, hour, requests, tokens, failures, refunded_requests,
           refunded_tokens
      FROM usage_hours ORDER BY 1, 2, 3, 4
"""
_SUMMED_MINUTES = """
    SELECT account_id, key_id, model, date_trunc('hour', minute, 'UTC') AS hour,
           sum(requests)::bigint, sum(tokens)::bigint, sum(failures)::bigint,
           sum(refunded_requests)::bigint, sum(refunded_tokens)::bigint
      FROM usage_minutes GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
_INSERT_QUOTA = """
    INSERT INTO quotas (budget, at, requests_limit, requests_spent, requests_reserved, tokens_limit,
                        tokens_spent, tokens_reserved, month_limit, month_starts, month_ends,
                        month_spent, leases_from, leases_until)
         VALUES ($1, 0, 1, 0, 0, 1, 0, 0, 1, $2, $3, $4, 0, 0)
"""


@pytest.fixture
async def table(migrated_url: str) -> UsageTable:
    """The table as a process that answers checks sees it: its role may do nothing else here."""
    return UsageTable(ShortStatements(login_url(migrated_url, DATA), 2, 20))


def _minute(at: datetime | None = None) -> int:
    return int((at or datetime.now(UTC)).timestamp() * 1e6) // MINUTE


def _counter(
    tally: Tally, minute: int | None = None, user: User = ALICE, writer: UUID = _HERE
) -> Counter:
    return Counter(_minute() if minute is None else minute, 1, user, writer, tally)


async def _sum(connection: asyncpg.Connection) -> Tally:
    row = await connection.fetchrow(
        "SELECT sum(requests)::bigint, sum(tokens)::bigint, sum(failures)::bigint,"
        " sum(refunded_requests)::bigint, sum(refunded_tokens)::bigint,"
        " sum(returned_tokens)::bigint FROM usage_minutes"
    )
    assert row is not None
    return Tally(*(value or 0 for value in row))


async def _assert_hours_are_sums(connection: asyncpg.Connection) -> None:
    hours = [tuple(row) for row in await connection.fetch(_HOURS)]
    assert hours == [tuple(row) for row in await connection.fetch(_SUMMED_MINUTES)]


async def test_totals_that_grow_are_added_up(
    table: UsageTable, connection: asyncpg.Connection
) -> None:
    """Of several writers, users and minutes; a repeated or late one changes nothing."""
    now = _minute()
    first = [_counter(Tally(2, 20), now), _counter(Tally(1, 5), now, writer=_THERE)]
    later = [_counter(Tally(3, 30, 1, 1, 10), now), _counter(Tally(4, 40), now - 90, BOB)]
    for batch in (first, later, first, later, later[:1], first[:1]):
        await table.merge(batch)
    assert await _sum(connection) == Tally(8, 75, 1, 1, 10)
    await _assert_hours_are_sums(connection)


async def test_of_each_number_the_larger_is_kept(
    table: UsageTable, connection: asyncpg.Connection
) -> None:
    """Even of two tellers that each know something that the other does not."""
    now = _minute()
    for tally in (Tally(3, 30), Tally(2, 20, 1, 1, 10, 4), Tally(1, 50, 0, 0, 0, 0)):
        await table.merge([_counter(tally, now)])
    assert await _sum(connection) == Tally(3, 50, 1, 1, 10, 4)
    await _assert_hours_are_sums(connection)


async def test_any_order_of_what_was_told_ends_in_the_same(
    table: UsageTable, connection: asyncpg.Connection
) -> None:
    """Random histories of counters, their states told shuffled, repeated and several at once."""
    draw = random.Random(3)  # noqa: S311 no secret
    last, states = {}, []
    for place in [
        (_minute() - at, user, writer)
        for at in (0, 1, 61, 1500)
        for user in (ALICE, BOB)
        for writer in (_HERE, _THERE)
    ]:
        tally = NOTHING
        for _ in range(6):
            tokens = draw.randrange(100)
            tally += Tally(1, tokens)
            if draw.random() < 0.4:
                tally += Tally(0, 0, 1, 1, tokens, draw.choice((0, tokens)))
            states.append(Counter(place[0], 1, place[1], place[2], tally))
        last[place] = tally
    batches = [_without_doubles(draw.sample(states, 20)) for _ in range(12)]
    batches += [_without_doubles(states[at::6]) for at in range(6)]
    draw.shuffle(batches)
    for at in range(0, len(batches), 3):
        await asyncio.gather(*(table.merge(batch) for batch in batches[at : at + 3]))
        await _assert_hours_are_sums(connection)
    assert await _sum(connection) == sum(last.values(), NOTHING)


def _without_doubles(counters: Sequence[Counter]) -> list[Counter]:
    """A journal has each counter once."""
    return list({(each.minute, each.user, each.writer): each for each in counters}.values())


async def test_writers_of_the_same_hours_do_not_wait_in_a_circle(
    table: UsageTable, migrated_url: str, connection: asyncpg.Connection
) -> None:
    """Each tells of many users, in an order of its own."""
    users = [User(AccountId(uuid4()), KeyId(uuid4()), "m") for _ in range(200)]
    url = login_url(migrated_url, DATA)

    async def tell(writer: UUID) -> None:
        mine = UsageTable(ShortStatements(url, 1, 20))
        for requests in range(1, 6):
            shuffled = random.sample(users, len(users))
            await mine.merge(
                [_counter(Tally(requests, requests), user=user, writer=writer) for user in shuffled]
            )

    await asyncio.gather(*(tell(uuid4()) for _ in range(6)))
    assert await _sum(connection) == Tally(6 * 200 * 5, 6 * 200 * 5)
    await _assert_hours_are_sums(connection)


async def test_what_is_too_far_away_is_refused_and_the_rest_is_taken(
    table: UsageTable, connection: asyncpg.Connection
) -> None:
    """Of a minute whose partition may be gone nobody knows what was counted before."""
    now = _minute()
    told = [_counter(Tally(1, 1), now + days * _DAY) for days in (-40, -35, -32, 0, 1, 15, 400)]
    _, refused = await table.merge(told)
    assert refused == [told[0], told[1], told[5], told[6]]
    assert await _sum(connection) == Tally(3, 3)


async def test_a_partition_that_is_missing_is_made(
    table: UsageTable, connection: asyncpg.Connection
) -> None:
    """By whoever needs it first, and by two at once."""
    today = f"{datetime.now(UTC):usage_minutes_%Y_%m_%d}"
    month = f"{datetime.now(UTC):usage_hours_%Y_%m}"
    await connection.execute(f"DROP TABLE {today}, {month}")
    await asyncio.gather(
        table.merge([_counter(Tally(1, 1))]), table.merge([_counter(Tally(1, 1), user=BOB)])
    )
    assert await connection.fetchval(f"SELECT count(*) FROM {today}") == 2  # noqa: S608 a date of ours
    assert await connection.fetchval(f"SELECT count(*) FROM {month}") == 2  # noqa: S608 the same


async def test_minutes_are_dropped_by_the_day_and_hours_are_kept(
    connection: asyncpg.Connection,
) -> None:
    """Five weeks are kept; making partitions again brings none back that is older."""
    old = datetime.now(UTC).date() - timedelta(days=40)
    await connection.execute(
        f"CREATE TABLE usage_minutes_{old:%Y_%m_%d} PARTITION OF usage_minutes"
        f" FOR VALUES FROM ('{old} 00:00Z') TO ('{old + timedelta(days=1)} 00:00Z')"
    )
    hours = await _partitions(connection, "usage_hours")
    days = await _partitions(connection, "usage_minutes")
    assert await connection.fetchval("SELECT drop_usage_partitions()") == 1
    await connection.execute("SELECT make_usage_partitions()")
    assert await connection.fetchval("SELECT drop_usage_partitions()") == 0
    assert await _partitions(connection, "usage_minutes") == days[1:]
    assert len(days) == 1 + 1 + 3
    assert await _partitions(connection, "usage_hours") == hours


async def _partitions(connection: asyncpg.Connection, parent: str) -> list[str]:
    rows = await connection.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent = $1::text::regclass ORDER BY 1",
        parent,
    )
    return [row["name"] for row in rows]


async def _month_spent(connection: asyncpg.Connection, budget: UUID) -> int:
    query = "SELECT month_spent FROM quotas WHERE budget = $1"
    return int(await connection.fetchval(query, budget))


async def test_the_month_gets_back_what_no_lease_took(
    table: UsageTable, connection: asyncpg.Connection
) -> None:
    """The account's and the key's, by the difference, once, and never below nothing."""
    now = _minute()
    span = (now - _DAY) * MINUTE, (now + _DAY) * MINUTE
    for budget, spent in ((ALICE.account_id, 100), (ALICE.key_id, 60), (BOB.account_id, 3)):
        await connection.execute(_INSERT_QUOTA, budget, *span, spent)
    first = [_counter(Tally(2, 50, 1, 1, 20, 20), now), _counter(Tally(1, 9, 0, 1, 9, 9), now, BOB)]
    second = [_counter(Tally(3, 80, 2, 2, 50, 20), now), _counter(Tally(1, 5, 0, 1, 5, 5), now - 1)]
    for batch in (first, first, second, second, first):
        await table.merge(batch)
    assert await _month_spent(connection, ALICE.account_id) == 100 - 20 - 5
    assert await _month_spent(connection, ALICE.key_id) == 60 - 20 - 5
    assert await _month_spent(connection, BOB.account_id) == 0


@pytest.mark.parametrize(("at", "spent"), [(-1, 100), (0, 90), (1, 90), (59, 90), (60, 100)])
async def test_a_month_gets_back_only_what_was_charged_in_it(
    table: UsageTable, connection: asyncpg.Connection, at: int, spent: int
) -> None:
    """From its first minute to its last: last month's refund is no gift to this one."""
    start = _minute() - 30
    await connection.execute(
        _INSERT_QUOTA, ALICE.account_id, start * MINUTE, (start + 60) * MINUTE, 100
    )
    await table.merge([_counter(Tally(1, 10, 1, 1, 10, 10), start + at)])
    assert await _month_spent(connection, ALICE.account_id) == spent


async def test_usage_of_the_last_minute_of_a_month_is_of_that_month(
    table: UsageTable, connection: asyncpg.Connection
) -> None:
    """Hours and months are UTC's, whatever the session's time zone is."""
    first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for at in (first, first - timedelta(minutes=1)):
        if at > datetime.now(UTC) - timedelta(days=32):
            await table.merge([_counter(Tally(1, 1), _minute(at))])
            name = f"usage_hours_{at:%Y_%m}"
            hour = at.replace(minute=0)
            query = f"SELECT count(*) FROM {name} WHERE hour = $1"  # noqa: S608 a date of ours
            assert await connection.fetchval(query, hour) == 1


async def test_who_is_told_that_it_is_merged_can_forget_it(
    table: UsageTable, connection: asyncpg.Connection
) -> None:
    """The commit waits for the disk, although this connection's others do not."""
    source = await connection.fetchval("SELECT prosrc FROM pg_proc WHERE proname = 'merge_usage'")
    assert "SET LOCAL synchronous_commit = on" in source
    server, _ = await table.merge([])
    started = await connection.fetchval("SELECT pg_postmaster_start_time()")
    assert datetime.fromisoformat(server) == started


async def test_a_database_that_is_away_is_told_as_that(migrated_url: str) -> None:
    """And nothing is known of what happened."""
    away = UsageTable(ShortStatements(migrated_url.replace("test_", "no_"), 1, 5))
    with pytest.raises(DatabaseError):
        await away.merge([_counter(Tally(1, 1))])


async def test_a_counter_that_breaks_a_rule_is_refused_by_the_table(
    table: UsageTable, connection: asyncpg.Connection
) -> None:
    """Nothing of its batch is there then."""
    good, bad = _counter(Tally(1, 1)), _counter(Tally(1, 1, 0, 2, 0, 0), user=BOB)
    with pytest.raises(DatabaseError):
        await table.merge([good, bad])
    assert await _sum(connection) == NOTHING
    await table.merge([good, replace(bad, tally=Tally(2, 1))])


async def test_a_failover_that_loses_commits_is_made_good(
    table: UsageTable, connection: asyncpg.Connection, tmp_path: Path
) -> None:
    """From the journal, to the server as it is now; hours too."""
    kept = Kept(tmp_path / "usage", Clock(_minute() * MINUTE))
    drain = UsageDrain(
        kept.file, kept.journal, kept.counters, table, 3600, lambda: True, lambda: 1.0
    )
    for user in (ALICE, BOB, ALICE):
        kept.charge(user)
        kept.clock.now -= 61 * MINUTE
        await drain.drain()
    assert await _sum(connection) == Tally(3, 30)
    await connection.execute("DELETE FROM usage_minutes WHERE account_id = $1", ALICE.account_id)
    await connection.execute("DELETE FROM usage_hours WHERE account_id = $1", ALICE.account_id)
    kept.counters.write_server("the one that had it")
    await drain.drain()
    assert await _sum(connection) == Tally(3, 30)
    await _assert_hours_are_sums(connection)
    kept.file.close()
