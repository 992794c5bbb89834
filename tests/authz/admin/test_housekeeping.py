"""What is done beside the calls."""

import asyncio

import asyncpg

from authz.domain.administration.records import AccountRecord
from authz.service.admin.keys import Issued
from tests.administration import Administration, ask
from tests.authz.admin.process_table import ProcessTable
from tests.authz.admin.tasks import KILL_ADMIN, stop
from tests.authz.mail.doubles import FakeMailer
from tests.authz.until import until

_FENCED = 300 + 5


async def _numbers(connection: asyncpg.Connection) -> list[int]:
    rows = await connection.fetch("SELECT number FROM changes ORDER BY number")
    return [row["number"] for row in rows]


async def _age(connection: asyncpg.Connection, up_to: int) -> None:
    await connection.execute(
        "UPDATE changes SET changed_at = now() - interval '8 days' WHERE number <= $1", up_to
    )


async def test_old_changes_are_forgotten(
    services: Administration, acme: AccountRecord, connection: asyncpg.Connection
) -> None:
    """After a week."""
    for _ in range(4):
        await services.accounts.suspend(ask(), "acme", "")
        await services.accounts.resume(ask(), "acme", "")
    numbers = await _numbers(connection)
    await _age(connection, numbers[-3])
    await services.housekeeping.prune()
    assert await _numbers(connection) == numbers[-2:]


async def test_the_newest_change_is_kept(
    services: Administration, acme: AccountRecord, connection: asyncpg.Connection
) -> None:
    """However old: the next number is counted from it."""
    newest = (await _numbers(connection))[-1]
    await _age(connection, newest)
    await services.housekeeping.prune()
    assert await _numbers(connection) == [newest]
    await services.accounts.suspend(ask(), "acme", "")
    numbers = await _numbers(connection)
    assert (len(numbers), numbers[0]) == (2, newest)


async def test_processes_that_will_not_come_back_are_forgotten(
    services: Administration, processes: ProcessTable
) -> None:
    """An hour after they were fenced."""
    await processes.tell("alive")
    await processes.tell("fenced", seen_seconds_ago=_FENCED + 3500)
    await processes.tell("gone", seen_seconds_ago=_FENCED + 3700)
    await services.housekeeping.prune()
    assert await processes.names() == ["alive", "fenced"]


async def test_house_is_kept_until_it_is_told_to_stop(
    services: Administration,
    issued: Issued,
    mailer: FakeMailer,
    processes: ProcessTable,
    connection: asyncpg.Connection,
) -> None:
    """A database that was away does not end it."""
    assert issued.secret is not None
    await services.keys.revoke_leaked(ask(), issued.secret, "here", "ada")
    keeping = asyncio.create_task(services.housekeeping.run())
    await until(lambda: len(mailer.accepted) == 1)
    for _ in range(2):
        await processes.tell("gone", seen_seconds_ago=_FENCED + 3700)
        async with asyncio.timeout(30):
            while await processes.names():
                pass
        await connection.execute(KILL_ADMIN)
    await stop(keeping)
