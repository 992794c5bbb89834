"""What a process tells of itself, on a real PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from authz.domain.pepper import Pepper
from authz.domain.process import REFUSES_EVERYTHING, Process, ReplacedError
from authz.domain.undecided import DatabaseError
from authz.storage.directory_feed import DirectoryFeed
from tests.authz import accounts
from tests.authz.doubles import make_process

_SELECT = "SELECT number, peppers, stale_after, seen_at, incarnation FROM processes WHERE name = $1"


def _feed(url: str, process: Process, *peppers: Pepper) -> DirectoryFeed:
    ids = [pepper.id for pepper in peppers]
    return DirectoryFeed(url, process, lambda: ids, keys_max=10)


async def _tell(feed: DirectoryFeed, number: int = 0) -> int:
    async with feed.open() as session:
        return await session.tell(number)


async def _leave(feed: DirectoryFeed) -> None:
    async with feed.depart() as leave:
        await leave()


async def _row(connection: asyncpg.Connection, name: str = "here") -> asyncpg.Record:
    row = await connection.fetchrow(_SELECT, name)
    assert row is not None
    return row


async def _incarnations(connection: asyncpg.Connection) -> set[UUID]:
    return {row["incarnation"] for row in await connection.fetch("SELECT * FROM processes")}


async def test_a_row_says_all_that_others_wait_for(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """What is applied, which peppers are known, and when a silent process has ended."""
    other, process = Pepper.parse("10" * 32), make_process()
    before = datetime.now(UTC)
    await _tell(_feed(migrated_url, process, pepper, other), 4)
    row = await _row(connection)
    assert row["number"] == 4
    assert set(row["peppers"]) == {pepper.id, other.id}
    assert row["stale_after"] == timedelta(seconds=300)
    assert before <= row["seen_at"] <= datetime.now(UTC)


async def test_the_answer_is_the_newest_change(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """One statement tells and asks."""
    newest = await connection.fetchval("SELECT max(number) FROM changes")
    async with _feed(migrated_url, make_process(), pepper).open() as session:
        assert await session.tell(0) == newest
        await accounts.ensure_account(connection, "acme", "trial")
        assert await session.tell(newest) == await connection.fetchval(
            "SELECT number FROM changes WHERE follows = $1", newest
        )


async def test_seen_at_is_when_it_was_told_and_not_when_a_transaction_began(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """Each time later than the last."""
    async with _feed(migrated_url, make_process(), pepper).open() as session:
        seen = []
        for number in range(3):
            await session.tell(number)
            seen.append((await _row(connection))["seen_at"])
    assert seen == sorted(set(seen))


async def test_a_process_that_refuses_everything_can_say_so(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """It holds up no change."""
    await _tell(_feed(migrated_url, make_process(), pepper), REFUSES_EVERYTHING)
    assert (await _row(connection))["number"] == REFUSES_EVERYTHING


async def test_a_change_that_the_database_has_lost_acknowledges_none(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """It failed over: those made instead are unknown here, whatever their numbers."""
    await accounts.ensure_account(connection, "acme", "trial")
    lost = await connection.fetchval("DELETE FROM changes WHERE kind = 'account' RETURNING number")
    async with _feed(migrated_url, make_process(), pepper).open() as session:
        assert await session.tell(lost) < lost
        assert (await _row(connection))["number"] == 0
        await accounts.ensure_account(connection, "other", "trial")
        assert await session.tell(lost) > lost
        assert (await _row(connection))["number"] == 0


async def test_a_change_that_was_pruned_still_counts(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """The next one follows it."""
    await connection.execute("DELETE FROM changes WHERE number <= 2")
    await _tell(_feed(migrated_url, make_process(), pepper), 2)
    assert (await _row(connection))["number"] == 2


async def test_a_new_process_takes_the_place_of_the_one_before(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """The lock that it holds proves that the other has ended."""
    old, new = make_process(), make_process()
    await _tell(_feed(migrated_url, old, pepper), 4)
    await _tell(_feed(migrated_url, new, pepper), 3)
    row = await _row(connection)
    assert (row["incarnation"], row["number"]) == (new.incarnation, 3)


async def test_a_process_whose_place_was_taken_learns_so(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """Whether it is connected still or comes back; and it takes nothing back."""
    old, new = make_process(), make_process()
    feed = _feed(migrated_url, old, pepper)
    async with feed.open() as session:
        await session.tell(1)
        await _tell(_feed(migrated_url, new, pepper), 2)
        with pytest.raises(ReplacedError):
            await session.tell(1)
    with pytest.raises(ReplacedError):
        await _tell(feed, 1)
    assert await _incarnations(connection) == {new.incarnation}


async def test_a_process_goes_on_when_its_successor_has_left(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """There is nobody else in its place then."""
    feed, successor = (_feed(migrated_url, make_process(), pepper) for _ in range(2))
    await _tell(feed)
    await _tell(successor)
    await _leave(successor)
    await _tell(feed, 4)
    assert (await _row(connection))["number"] == 4


async def test_two_places_know_nothing_of_each_other(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """Nor do many that tell at once."""
    feeds = [_feed(migrated_url, make_process(f"place {n}"), pepper) for n in range(5)]
    await asyncio.gather(*(_tell(feed, number) for number, feed in enumerate(feeds)))
    rows = await connection.fetch("SELECT name, number FROM processes ORDER BY name")
    assert [tuple(row) for row in rows] == [(f"place {n}", n) for n in range(5)]


async def test_a_process_that_leaves_is_gone(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """Nobody waits for it any more."""
    feed = _feed(migrated_url, make_process(), pepper)
    await _tell(feed)
    await _leave(feed)
    assert await _incarnations(connection) == set()


async def test_a_process_removes_no_row_but_its_own(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """Its successor's row stays."""
    old, new = (_feed(migrated_url, make_process(), pepper) for _ in range(2))
    await _tell(old)
    await _tell(new)
    await _leave(old)
    assert len(await _incarnations(connection)) == 1


async def test_a_listener_that_was_cut_off_fails(
    migrated_url: str, connection: asyncpg.Connection, pepper: Pepper
) -> None:
    """The heartbeat is what notices."""
    async with _feed(migrated_url, make_process(), pepper).open() as session:
        await session.tell(0)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'tessera-authz' AND datname = current_database()"
        )
        with pytest.raises(DatabaseError):
            await session.tell(0)
