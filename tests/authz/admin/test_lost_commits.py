"""A connection that is lost when the change was committed, or just before."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from authz.domain.administration.records import AccountRecord
from authz.domain.pepper import Peppers
from authz.domain.undecided import DatabaseError
from authz.service.admin.keys import KeySpec
from tests.administration import Administration, administration, ask
from tests.authz.admin.conftest import FIRST_PEPPER
from tests.authz.admin.losing_proxy import LosingProxy, losing_proxy
from tests.authz.admin.tasks import KILL_ADMIN

_SPEC = KeySpec("acme", "k", "prod", (), (), None)
_COUNT = "SELECT count(*) FROM keys"

_CUT_BEFORE_COMMIT = """
    CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        PERFORM pg_terminate_backend(pg_backend_pid());
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON audit
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut();
"""


@pytest.fixture
async def proxy(admin_url: str) -> AsyncIterator[LosingProxy]:
    """What stands between the services and the database."""
    async with losing_proxy(admin_url) as proxy:
        yield proxy


@pytest.fixture
async def remote(proxy: LosingProxy, tmp_path: Path) -> AsyncIterator[Administration]:
    """Services that reach the database through it."""
    peppers = Peppers.parse(FIRST_PEPPER)
    async with administration(proxy.url, peppers, tmp_path / "remote-head") as services:
        yield services


async def test_a_commit_whose_answer_was_lost_is_found_by_its_request_id(
    remote: Administration,
    proxy: LosingProxy,
    acme: AccountRecord,
    connection: asyncpg.Connection,
) -> None:
    """One key is made, and its text is shown: it is still known here."""
    proxy.commits_to_lose = 1
    issued = await remote.keys.issue(ask(), _SPEC)
    assert issued.secret is not None
    assert await connection.fetchval(_COUNT) == 1
    digest = await connection.fetchval("SELECT digest FROM keys WHERE id = $1", issued.key.id)
    assert digest == remote.peppers().newest.digest_key(issued.secret)


async def test_a_caller_who_was_told_nothing_asks_again(
    remote: Administration,
    proxy: LosingProxy,
    acme: AccountRecord,
    connection: asyncpg.Connection,
) -> None:
    """By the same id no second key is made."""
    change, proxy.commits_to_lose = ask(), 2
    with pytest.raises(DatabaseError):
        await remote.keys.issue(change, _SPEC)
    assert (await remote.keys.issue(change, _SPEC)).secret is None
    assert await connection.fetchval(_COUNT) == 1


@asynccontextmanager
async def _cut_before_commit(connection: asyncpg.Connection) -> AsyncIterator[None]:
    await connection.execute(_CUT_BEFORE_COMMIT)
    try:
        yield
    finally:
        await connection.execute("DROP FUNCTION cut CASCADE")


async def test_a_change_that_was_not_committed_is_made_the_next_time(
    services: Administration, acme: AccountRecord, connection: asyncpg.Connection
) -> None:
    """Of the first attempts nothing is left."""
    change = ask()
    async with _cut_before_commit(connection):
        with pytest.raises(DatabaseError):
            await services.keys.issue(change, _SPEC)
    assert await connection.fetchval(_COUNT) == 0
    assert (await services.keys.issue(change, _SPEC)).secret is not None


async def test_connections_that_are_lost_are_opened_again(
    services: Administration, acme: AccountRecord, connection: asyncpg.Connection
) -> None:
    """A database that was restarted costs no change."""
    for _ in range(3):
        await connection.execute(KILL_ADMIN)
        assert (await services.keys.issue(ask(), _SPEC)).secret is not None
