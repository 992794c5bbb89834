"""Decisions on the way from one process through the database to whoever asks."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from authz.domain.administration.decisions import DecisionQuery
from authz.domain.decision import Decision, Ruling, Told
from authz.storage.admin.decision_rows import DecisionRows
from authz.storage.decision_table import DecisionTable
from authz.storage.short_statements import ShortStatements
from tests.authz.decisions.samples import ALLOWED, EVIDENCE, LIMITED, decision, request_id
from tests.authz.logins import ADMIN, login

_TODAY = datetime.now(UTC)


def _today(number: int = 0, **changes: object) -> Decision:
    made = decision(number, **changes)
    return replace(made, place=replace(made.place, at=_TODAY - timedelta(minutes=number)))


def _stranger() -> Decision:
    return _today(
        reason="unknown_key",
        told=Told(401, "invalid_api_key"),
        account_id=None,
        key_id=None,
        evidence=None,
    )


def _asked_on_an_empty_directory() -> Decision:
    made = _today(evidence=None, asked=replace(decision().asked, endpoint=None))
    return replace(made, place=replace(made.place, directory_number=None, directory_age=None))


@pytest.fixture
def table(statements: ShortStatements) -> DecisionTable:
    """Where decisions are thrown into."""
    return DecisionTable(statements)


@pytest.fixture
def rows(admin: asyncpg.Connection) -> DecisionRows:
    """Where they are read."""
    return DecisionRows(admin)


async def _write(table: DecisionTable, *decisions: Decision) -> None:
    await table.write({each.asked.request_id: each for each in decisions})


@pytest.mark.parametrize(
    "kept",
    [
        _today(),
        _today(evidence=replace(EVIDENCE, left=None, lease_ends_in=None)),
        _today(evidence=replace(EVIDENCE, limited=replace(LIMITED, wait=None))),
        _today(ruling=Ruling.SHADOW, told=Told(200), evidence=replace(EVIDENCE, shadow=True)),
        _today(ruling=Ruling.ALLOWED, reason=None, told=Told(200), evidence=ALLOWED.evidence),
        _stranger(),
        _asked_on_an_empty_directory(),
    ],
    ids=["whole", "no lease", "never fits", "shadow", "allowed", "stranger", "empty directory"],
)
async def test_a_decision_is_read_as_it_was_made(
    table: DecisionTable, rows: DecisionRows, kept: Decision
) -> None:
    """To the microsecond, and what there was not is not made up."""
    await _write(table, kept, _today(1))
    assert await rows.find(kept.asked.request_id) == kept
    assert await rows.find(request_id(7)) is None


async def test_writing_the_same_again_changes_nothing(
    table: DecisionTable, rows: DecisionRows
) -> None:
    """As after a commit whose answer was lost."""
    await _write(table, _today(1))
    await _write(table, _today(1), _today(2))
    assert await rows.list(DecisionQuery(), None, 10) == [_today(1), _today(2)]


@pytest.mark.parametrize("days", [-7.01, -2.01, 1.01, -4000, 4000])
async def test_a_clock_that_is_days_off_does_not_hold_up_the_others(
    table: DecisionTable, rows: DecisionRows, days: float
) -> None:
    """Its rows have no place, and are left out."""
    off = _today(1)
    off = replace(off, place=replace(off.place, at=_TODAY + timedelta(days=days)))
    await _write(table, off, _today(2))
    assert await rows.list(DecisionQuery(), None, 10) == [_today(2)]


@pytest.mark.parametrize("outage_days", [4, 400])
async def test_what_waited_for_the_end_of_an_outage_still_finds_its_place(
    table: DecisionTable, rows: DecisionRows, connection: asyncpg.Connection, outage_days: int
) -> None:
    """Also where nobody could make room for those days in time; of a week, and no more."""
    for name in _names(-1, 3):
        await connection.execute(f"DROP TABLE {name}")
    for name in ("decisions", "traffic_minutes"):
        await _make_partition(connection, name, outage_days)
    await rows.make_partitions()
    first = min(outage_days, 7)
    kept = _names(-first, 3) + _names(-outage_days, -outage_days)
    assert await _partitions(connection) == sorted(set(kept))
    late = _today(1)
    late = replace(late, place=replace(late.place, at=_TODAY - timedelta(days=first - 0.01)))
    await _write(table, late)
    assert await rows.find(request_id(1)) == late


async def test_two_can_make_the_same_partitions_at_once(
    migrated_url: str, connection: asyncpg.Connection
) -> None:
    """The second sees what the first has made, though it saw before that it was not there."""
    for name in _names(-1, 3):
        await connection.execute(f"DROP TABLE {name}")

    async def look_and_make(other: asyncpg.Connection) -> None:
        async with other.transaction():
            await other.execute("SELECT to_regclass(name) FROM unnest($1::text[]) AS name", names)
            await looked.wait()
            await DecisionRows(other).make_partitions()

    names, looked = _names(-1, 3), asyncio.Barrier(4)
    async with AsyncExitStack() as stack:
        logins = [await stack.enter_async_context(login(migrated_url, ADMIN)) for _ in range(4)]
        await asyncio.gather(*map(look_and_make, logins))
    assert await _partitions(connection) == _names(-1, 3)


async def _make_partition(connection: asyncpg.Connection, table: str, age: int) -> None:
    day = datetime.now(UTC).date() - timedelta(days=age)
    await connection.execute(
        f"CREATE TABLE {table}_{day:%Y_%m_%d} PARTITION OF {table}"
        f" FOR VALUES FROM ('{day} 00:00Z') TO ('{day + timedelta(days=1)} 00:00Z')"
    )


async def _partitions(connection: asyncpg.Connection) -> Sequence[str]:
    found = await connection.fetch(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent IN ('decisions'::regclass, 'traffic_minutes'::regclass) ORDER BY relname"
    )
    return [row["relname"] for row in found]


def _names(first: int, last: int) -> list[str]:
    days = [datetime.now(UTC) + timedelta(days=each) for each in range(first, last + 1)]
    return sorted(
        f"{table}_{day:%Y_%m_%d}" for table in ("decisions", "traffic_minutes") for day in days
    )


async def test_there_is_room_for_the_days_to_come(
    rows: DecisionRows, connection: asyncpg.Connection
) -> None:
    """And for yesterday, of which something may be on its way; asked again nothing changes."""
    assert await _partitions(connection) == _names(-1, 3)
    for name in _names(2, 3):
        await connection.execute(f"DROP TABLE {name}")
    for _ in range(2):
        await rows.make_partitions()
        assert await _partitions(connection) == _names(-1, 3)


async def test_what_is_older_than_a_week_is_dropped(
    rows: DecisionRows, connection: asyncpg.Connection
) -> None:
    """A day at once, and never a day that is not over for a week."""
    for table in ("decisions", "traffic_minutes"):
        for age in (8, 9, 400):
            await _make_partition(connection, table, age)
    await rows.drop_partitions()
    assert await _partitions(connection) == _names(-1, 3)


@pytest.mark.parametrize("plan", ["enable_nestloop", "enable_hashjoin", "enable_mergejoin"])
async def test_old_partitions_are_dropped_however_they_are_found(
    connection: asyncpg.Connection, plan: str
) -> None:
    """PostgreSQL may look at the names of all other tables first."""
    for table in ("decisions", "traffic_minutes"):
        await _make_partition(connection, table, 9)
    for other in {"enable_nestloop", "enable_hashjoin", "enable_mergejoin"} - {plan}:
        await connection.execute(f"SET {other} = off")
    assert await connection.fetchval("SELECT drop_decision_partitions()") == 2


async def test_partitions_are_days_in_utc_whatever_the_session_says(
    migrated_url: str, rows: DecisionRows, connection: asyncpg.Connection, table: DecisionTable
) -> None:
    """Or two sessions would make days that overlap."""
    for name in _names(-1, 3):
        await connection.execute(f"DROP TABLE {name}")
    await connection.execute("SET timezone = 'Asia/Kolkata'")
    await connection.execute("SELECT make_decision_partitions()")
    bounds = await connection.fetchval(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = $1", _names(0, 0)[0]
    )
    assert "05:30:00+05:30" in bounds
    await rows.make_partitions()
    await _write(table, _today())
    assert await rows.find(request_id()) == _today()


async def test_a_request_is_found_by_an_index(connection: asyncpg.Connection) -> None:
    """In each of a week's partitions."""
    await connection.execute("SET enable_seqscan = off")
    plan = await connection.fetch("EXPLAIN SELECT FROM decisions WHERE request_id = 'x'")
    lines = "\n".join(row[0] for row in plan)
    assert "Seq Scan" not in lines
    assert "request_id_idx" in lines


async def test_a_list_of_an_account_is_read_in_order_from_an_index(
    connection: asyncpg.Connection,
) -> None:
    """Without sorting what was refused in a week."""
    await connection.execute("SET enable_seqscan = off; SET enable_sort = off")
    plan = await connection.fetch(
        "EXPLAIN SELECT at FROM decisions WHERE account_id = '00000000-0000-0000-0000-000000000001'"
        " ORDER BY at DESC, request_id DESC LIMIT 100"
    )
    lines = "\n".join(row[0] for row in plan)
    assert "Sort" not in lines
    assert "account_id_at_request_id_idx" in lines
