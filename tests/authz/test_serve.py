"""The real process on a real PostgreSQL: what changes beneath it, how it starts and ends."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from proto.tessera.envoy.v1.ext_authz_pb2 import CheckResponse
from tests.authz.doubles import key_text
from tests.authz.running import ACCESS_LOG, Authz, Setup, discreet
from tests.authz.until import until_told


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short name: sockets go in it."""
    with tempfile.TemporaryDirectory(prefix="tessera-authz-") as folder:
        yield Path(folder)


@pytest.fixture
def setup(folder: Path, migrated_url: str, model_folder: Path) -> Setup:
    """All that a process needs."""
    return Setup(folder, migrated_url, model_folder)


@pytest.fixture
async def key(setup: Setup) -> str:
    """The demo account's key."""
    return await setup.seed()


@pytest.fixture
async def authz(setup: Setup, key: str) -> AsyncIterator[Authz]:
    """A process of the test's own."""
    async with discreet(setup, key) as authz:
        yield authz


async def test_a_key_is_revoked_while_serving(authz: Authz, key: str, setup: Setup) -> None:
    """Without a restart."""
    assert await authz.status(key) == 200
    await _execute(setup, "UPDATE keys SET status = 'revoked', revoked_at = now()")
    await authz.reaches(key, 401)


async def test_a_lost_announcement_only_delays_a_revocation(
    authz: Authz, key: str, setup: Setup
) -> None:
    """The poll finds it."""
    source = "SELECT pg_get_functiondef('record_change'::regproc)"
    connection = await asyncpg.connect(setup.database_url)
    function = await connection.fetchval(source)
    await connection.execute(function.replace("PERFORM pg_notify('tessera_changes', '');", ""))
    connection.terminate()
    await _execute(setup, "UPDATE keys SET status = 'revoked', revoked_at = now()")
    await authz.reaches(key, 401)


async def test_a_dead_listener_is_replaced(authz: Authz, key: str, setup: Setup) -> None:
    """And what changed meanwhile is not missed."""
    await _execute(
        setup,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'tessera-authz' AND datname = current_database()",
    )
    await _execute(setup, "UPDATE keys SET status = 'revoked', revoked_at = now()")
    await authz.reaches(key, 401)


async def test_a_lower_tier_limits_at_once(authz: Authz, key: str, setup: Setup) -> None:
    """With a 429 as the catalogue words it."""
    await _execute(setup, "UPDATE tiers SET requests_per_minute = 1 WHERE name = 'standard'")
    await authz.reaches(key, 429)
    denied = (await authz.check(key)).denied_response
    assert "on requests per min (RPM): Limit 1" in denied.body


async def test_sigterm_is_a_clean_end(authz: Authz) -> None:
    """Even while Envoy's access log stream is open."""
    stream = authz.channel.stream_unary(ACCESS_LOG, None, None)()  # type: ignore[call-arg] # optional
    await stream.write(b"")
    assert await authz.stop() == 0
    assert authz.events()[-1] == "server.stopped"


async def test_what_is_told_is_refused_already(authz: Authz, key: str, setup: Setup) -> None:
    """Whoever sees the revocation's number in the process's row finds the key refused."""
    await authz.reaches(key, 200)
    await _execute(setup, "UPDATE keys SET status = 'revoked', revoked_at = now()")
    connection = await asyncpg.connect(setup.database_url)
    wanted = await connection.fetchval("SELECT max(number) FROM changes")

    async def is_told() -> bool:
        return bool(await connection.fetchval("SELECT min(number) FROM processes") == wanted)

    await until_told(is_told)
    connection.terminate()
    assert await authz.status(key) == 401


async def test_a_process_that_stops_is_not_waited_for(authz: Authz, setup: Setup) -> None:
    """One that is killed is, until nothing can come back in its place unseen."""
    rows = "SELECT count(*) FROM processes"
    connection = await asyncpg.connect(setup.database_url)
    assert await authz.stop() == 0
    assert await connection.fetchval(rows) == 0
    killed = Authz(setup, {"AUTHZ_PROCESS_NAME": "pod-7"})
    await killed.serves()
    killed.kill()
    assert await connection.fetchval("SELECT string_agg(name, '') FROM processes") == "pod-7"
    connection.terminate()


async def test_a_start_before_the_schema_waits_and_says_so(
    folder: Path, database_url: str, model_folder: Path
) -> None:
    """Alive, unhealthy, and healthy as soon as the schema is there."""
    setup = Setup(folder, database_url, model_folder)
    authz = Authz(setup)
    try:
        await authz.logs("directory.disconnected")
        assert not await authz.is_healthy()
        assert await authz.status(key_text()) == 503
        key = await setup.seed()
        await authz.serves()
        assert await authz.status(key) == 200
    finally:
        authz.kill()


async def test_a_suspended_account_and_an_uncovered_endpoint_are_403s(
    authz: Authz, key: str, setup: Setup
) -> None:
    """The key is good, and the answer says what is not."""
    await _execute(setup, "UPDATE tiers SET endpoints = '{models}' WHERE name = 'standard'")
    await authz.reaches(key, 403)
    assert "tier_not_entitled" in (await authz.check(key)).denied_response.body
    await _execute(setup, "UPDATE accounts SET status = 'suspended'")
    answer = CheckResponse()
    while "account_suspended" not in answer.denied_response.body:
        answer = await authz.check(key)


async def _execute(setup: Setup, statement: str) -> None:
    connection = await asyncpg.connect(setup.database_url)
    await connection.execute(statement)
    connection.terminate()
