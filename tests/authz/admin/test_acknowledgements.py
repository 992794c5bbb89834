"""Waiting until a change is in effect everywhere."""

import asyncio
from datetime import timedelta

import asyncpg

from tests.administration import Administration, ask
from tests.authz.admin.process_table import ProcessTable

_NOW = timedelta()
_PATIENCE = timedelta(seconds=30)
_FENCED = 300 + 5


async def test_a_change_is_waited_for_until_every_process_has_applied_it(
    services: Administration, processes: ProcessTable
) -> None:
    """Not before, and at once then."""
    await processes.tell("a", 7)
    await processes.tell("b", 6)
    waiting = asyncio.create_task(services.acknowledgements.wait(7, _PATIENCE))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await processes.tell("b", 7)
    assert await waiting == ()


async def test_those_that_have_not_are_named(
    services: Administration, processes: ProcessTable
) -> None:
    """With what they have applied, when the time is over."""
    await processes.tell("a", 7)
    await processes.tell("b", 5, peppers=["5e5e5e5e"])
    (laggard,) = await services.acknowledgements.wait(7, _NOW)
    assert (laggard.name, laggard.number, laggard.peppers) == ("b", 5, {"5e5e5e5e"})
    assert laggard.fenced_at - laggard.seen_at == timedelta(seconds=_FENCED)


async def test_a_silent_process_counts_until_it_is_fenced(
    services: Administration, processes: ProcessTable
) -> None:
    """Until it certainly refuses everything, it could be frozen, and answer when it thaws."""
    await processes.tell("silent", 5, seen_seconds_ago=_FENCED - 2)
    await processes.tell("fenced", 5, seen_seconds_ago=_FENCED + 1)
    (laggard,) = await services.acknowledgements.wait(7, _NOW)
    assert laggard.name == "silent"


async def test_a_process_that_ended_in_order_counts_no_more(
    services: Administration, processes: ProcessTable
) -> None:
    """Its row is gone."""
    await processes.tell("a", 5)
    waiting = asyncio.create_task(services.acknowledgements.wait(7, _PATIENCE))
    await processes.end("a")
    assert await waiting == ()


async def test_a_process_is_fenced_while_it_is_waited_for(
    services: Administration, processes: ProcessTable
) -> None:
    """By the database's clock, which goes on."""
    await processes.tell("a", 5, stale_after_seconds=1, seen_seconds_ago=5.8)
    assert await services.acknowledgements.wait(7, _PATIENCE) == ()


async def test_where_nobody_answers_everything_is_in_effect(services: Administration) -> None:
    """There is nobody who could do otherwise."""
    assert await services.acknowledgements.wait(7, _NOW) == ()


async def test_processes_are_listed_with_the_newest_change(
    services: Administration, processes: ProcessTable, connection: asyncpg.Connection
) -> None:
    """By name, without those that are fenced."""
    await services.tiers.upsert(ask(), "trial", {"items_max": 7})
    for name in ("b", "a"):
        await processes.tell(name, 3)
    await processes.tell("fenced", 3, seen_seconds_ago=_FENCED + 1)
    listed, number = await services.acknowledgements.list()
    assert [process.name for process in listed] == ["a", "b"]
    assert number == await connection.fetchval("SELECT max(number) FROM changes")
