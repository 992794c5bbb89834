"""Keys while they are used, in real processes with the data plane's role in the database alone."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from authz.domain.pepper import Peppers
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckResponse
from tests.authz.doubles import key_text
from tests.authz.logins import DATA, login_url
from tests.authz.running import PEPPER, Authz, Setup
from tests.authz.until import until

_NEW_PEPPER = "10" * 32
_IS_USED = "SELECT EXISTS (SELECT FROM key_uses)"
_PEPPERS = Peppers.parse(f"{PEPPER}\n{_NEW_PEPPER}")


@pytest.fixture
def setup(migrated_url: str, model_folder: Path) -> Iterator[Setup]:
    """A folder with a short name: sockets go in it."""
    with tempfile.TemporaryDirectory(prefix="tessera-authz-") as folder:
        yield Setup(Path(folder), migrated_url, model_folder)


@pytest.fixture
async def key(setup: Setup) -> str:
    """The demo account's key."""
    return await setup.seed()


@asynccontextmanager
async def _serving(setup: Setup, **settings: str) -> AsyncIterator[Authz]:
    """Run a process that has the data plane's role in the database and no other."""
    url = login_url(setup.database_url, DATA)
    authz = Authz(setup, {"AUTHZ_DATABASE_URL": url, **settings})
    try:
        await authz.serves()
        yield authz
    finally:
        authz.kill()


@asynccontextmanager
async def _away(connection: asyncpg.Connection, postgres_url: str) -> AsyncIterator[None]:
    """Take the database away from all who are not connected as its owner already."""
    name = await connection.fetchval("SELECT current_database()")
    admin = await asyncpg.connect(postgres_url)
    try:
        await admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = $1 AND usename = 'login_of_tessera_data'",
            name,
        )
        yield
    finally:
        await admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
        await admin.close()


async def _becomes_true(connection: asyncpg.Connection, statement: str) -> None:
    async with asyncio.timeout(30):
        while not await connection.fetchval(statement):  # noqa: ASYNC110 another process's doing
            await asyncio.sleep(0.01)


def _told_end(answer: CheckResponse) -> str | None:
    """Return the end of the key that an answer tells the client."""
    options = (*answer.ok_response.response_headers_to_add, *answer.denied_response.headers)
    told = [one.header.value for one in options if one.header.key == "x-tessera-key-expires"]
    return told[0] if told else None


async def test_a_whole_life_needs_the_data_planes_role_alone(
    setup: Setup, key: str, connection: asyncpg.Connection
) -> None:
    """Following, charging, noting uses, proposing: nothing is refused on the way."""
    async with _serving(setup) as authz:
        assert await authz.status(key) == 200
        await _becomes_true(connection, _IS_USED)
        await _rotate_pepper(setup, authz, connection, key)
        assert await authz.status(key) == 200
        await _becomes_true(connection, "SELECT EXISTS (SELECT FROM key_rehashes)")
        await connection.execute("UPDATE keys SET status = 'revoked', revoked_at = now()")
        await authz.reaches(key, 401)
        assert await authz.stop() == 0
        events = set(authz.events())
    troubles = {"directory.disconnected", "directory.refused", "quota.outage_began"}
    assert events & (troubles | {"writes.delayed", "writes.lost", "check.failed"}) == set()


async def _rotate_pepper(
    setup: Setup, authz: Authz, connection: asyncpg.Connection, key: str
) -> None:
    """Give the process a second pepper, wrap the key under it, and have the process follow."""
    known = authz.events().count("directory.changed")
    (setup.folder / "pepper").write_text(f"{PEPPER}\n{_NEW_PEPPER}\n")
    await authz.logs("peppers.changed")
    digest = _PEPPERS.digest_key(key, _PEPPERS.ids)
    await connection.execute(
        "UPDATE keys SET digest = $1, wrapped_under = $2", digest, [_PEPPERS.ids[1]]
    )
    await until(lambda: authz.events().count("directory.changed") > known)


async def test_a_key_is_never_refused_while_its_pepper_is_replaced(
    setup: Setup, key: str, connection: asyncpg.Connection
) -> None:
    """Neither before, nor while, nor after its digest is wrapped."""
    async with _serving(setup) as authz:
        statuses: set[int] = set()

        async def call() -> None:
            while True:
                statuses.add(await authz.status(key))

        calling = asyncio.create_task(call())
        await _rotate_pepper(setup, authz, connection, key)
        calling.cancel()
        assert statuses == {200}


async def test_a_use_right_before_the_end_is_written(
    setup: Setup, key: str, connection: asyncpg.Connection
) -> None:
    """SIGTERM waits for it."""
    async with _serving(setup, AUTHZ_KEY_USES_INTERVAL_SECONDS="3600") as authz:
        assert await authz.status(key) == 200
        assert not await connection.fetchval(_IS_USED)
        assert await authz.stop() == 0
    assert await connection.fetchval(_IS_USED)


async def test_uses_survive_an_outage_and_unknown_keys_do_not_notice_it(
    setup: Setup, key: str, connection: asyncpg.Connection, postgres_url: str
) -> None:
    """Keys that do not exist are refused without a query: no breaker trips, nothing is tried."""
    async with _serving(setup) as authz:
        async with _away(connection, postgres_url):
            await authz.logs("directory.disconnected")
            unknown = [await authz.status(key_text(number)) for number in range(1, 50)]
            assert unknown == [401] * 49
            assert not {"quota.outage_began", "writes.delayed"} & set(authz.events())
            assert await authz.status(key) == 200
            await authz.logs("writes.delayed")
            assert not await connection.fetchval(_IS_USED)
        await _becomes_true(connection, _IS_USED)


async def test_a_key_ends_by_the_clock_and_is_not_shown(
    setup: Setup, key: str, connection: asyncpg.Connection, postgres_url: str
) -> None:
    """Though the database, which is away, has no say in it any more."""
    ends = datetime.now(UTC) + timedelta(seconds=3)
    await connection.execute("UPDATE keys SET expires_at = $1", ends)
    async with _serving(setup) as authz, _away(connection, postgres_url):
        await authz.reaches(key, 401)
        assert datetime.now(UTC) >= ends
        denied = (await authz.check(key)).denied_response
        assert key[12:-4] not in denied.body
        assert key[12:-4] not in authz.log.read_text()


async def test_a_replaced_keys_grace_is_the_same_in_every_process(
    setup: Setup, key: str, connection: asyncpg.Connection
) -> None:
    """Each lets it in and tells the same end, and then none lets it in."""
    async with AsyncExitStack() as stack:
        both = []
        for name in ("a", "b"):
            folder = setup.folder / name
            folder.mkdir()
            other = Setup(folder, setup.database_url, setup.model_folder)
            both.append(await stack.enter_async_context(_serving(other)))
        ends = datetime.now(UTC) + timedelta(hours=24)
        await connection.execute("UPDATE keys SET expires_at = $1", ends)
        told = [await _end_that_is_told(authz, key) for authz in both]
        assert told == [f"{ends:%Y-%m-%dT%H:%M:%SZ}"] * 2
        await connection.execute("UPDATE keys SET expires_at = now()")
        for authz in both:
            await authz.reaches(key, 401)


async def _end_that_is_told(authz: Authz, key: str) -> str | None:
    async with asyncio.timeout(30):
        while (told := _told_end(await authz.check(key))) is None:
            pass
    return told


async def test_a_key_works_from_its_networks_alone(
    setup: Setup, key: str, connection: asyncpg.Connection
) -> None:
    """By the address that Envoy told, in either family, from the moment they change."""
    await connection.execute("UPDATE keys SET networks = '{192.0.2.0/24,2001:db8::/32}'")
    async with _serving(setup) as authz:
        for address in ("192.0.2.77", "::ffff:192.0.2.77", "2001:db8::77"):
            answer = await authz.check(key, address=address)
            assert answer.WhichOneof("http_response") == "ok_response", address
        for address in ("203.0.113.9", "2001:db9::1", "", "nonsense"):
            denied = (await authz.check(key, address=address)).denied_response
            assert denied.status.code == 403
            assert '"code":"ip_not_authorized"' in denied.body
            assert "192.0.2." not in denied.body
