"""The key that measures how fast a revocation is."""

import asyncio

import asyncpg
import pytest

from authz.domain.administration.records import PageRequest
from authz.domain.administration.refusals import NotFoundError
from authz.service.admin.accounts import AccountFilter
from authz.service.admin.keys import KeyFilter
from tests.administration import Administration
from tests.authz.admin.process_table import ProcessTable
from tests.authz.admin.tasks import KILL_ADMIN, stop
from tests.authz.until import until

_LEAVE_BEHIND = """
    INSERT INTO keys (id, account_id, name, environment, scopes, pepper_id, digest, prefix,
                      last_four)
         SELECT gen_random_uuid(), id, 'canary', 'canary', '{}', '5e5e5e5e', sha256('x'), '', 'abcd'
           FROM accounts
"""


def _observed(services: Administration) -> float:
    value = services.registry.get_sample_value("tessera_revocation_seconds_count")
    assert value is not None
    return value


def _timeouts(services: Administration) -> float:
    value = services.registry.get_sample_value("tessera_revocation_timeouts_total")
    assert value is not None
    return value


async def test_a_revocation_is_measured_until_every_process_has_applied_it(
    services: Administration, processes: ProcessTable, connection: asyncpg.Connection
) -> None:
    """And nothing is left of the key."""
    await processes.tell("a")
    await services.canary.sing()
    assert (_observed(services), _timeouts(services)) == (1, 0)
    assert await connection.fetchval("SELECT count(*) FROM keys") == 0
    kinds = await connection.fetch("SELECT kind FROM changes ORDER BY number DESC LIMIT 4")
    assert [row["kind"] for row in kinds] == ["key", "key", "key", "account"]


async def test_a_process_that_does_not_hear_is_counted(
    services: Administration, processes: ProcessTable, connection: asyncpg.Connection
) -> None:
    """Instead of a figure; and nothing is left of the key."""
    await processes.tell("deaf", 1)
    await services.canary.sing()
    assert (_observed(services), _timeouts(services)) == (0, 1)
    assert await connection.fetchval("SELECT count(*) FROM keys") == 0


async def test_what_a_killed_process_left_behind_is_removed(
    services: Administration, connection: asyncpg.Connection
) -> None:
    """The next time."""
    await services.canary.sing()
    await connection.execute(_LEAVE_BEHIND)
    await services.canary.sing()
    assert await connection.fetchval("SELECT count(*) FROM keys") == 0
    assert await connection.fetchval("SELECT count(*) FROM accounts") == 1


async def test_nobody_sees_the_canary(
    services: Administration, connection: asyncpg.Connection
) -> None:
    """Neither in a list, nor by its name, nor in the audit."""
    await services.canary.sing()
    await connection.execute(_LEAVE_BEHIND)
    page = PageRequest(10)
    assert (await services.accounts.list(AccountFilter(), page)).items == ()
    assert (await services.keys.list(KeyFilter(), page)).items == ()
    assert (await services.audit.list(page)).items == ()
    with pytest.raises(NotFoundError):
        await services.accounts.get("tessera-canary")


async def test_one_process_sings_and_another_takes_over(
    services: Administration, other_process: Administration
) -> None:
    """When it has ended; until then the other is silent."""
    singing = asyncio.create_task(services.canary.run())
    await until(lambda: _observed(services) > 0)
    waiting = asyncio.create_task(other_process.canary.run())
    enough = _observed(services) + 3
    await until(lambda: _observed(services) >= enough)
    assert _observed(other_process) == 0
    await stop(singing)
    await until(lambda: _observed(other_process) > 0)
    await stop(waiting)


async def test_a_database_that_was_away_does_not_end_the_singing(
    services: Administration, connection: asyncpg.Connection
) -> None:
    """It begins again."""
    singing = asyncio.create_task(services.canary.run())
    for _ in range(2):
        enough = _observed(services) + 2
        await until(lambda: _observed(services) >= enough)  # noqa: B023 called at once
        await connection.execute(KILL_ADMIN)
    enough = _observed(services) + 2
    await until(lambda: _observed(services) >= enough)
    await stop(singing)
