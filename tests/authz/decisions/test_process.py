"""Decisions of a real process: in the database a moment later, also after an outage of it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from authz.domain.administration.decisions import DecisionQuery
from authz.domain.decision import Decision
from authz.storage.admin.decision_rows import DecisionRows
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest, CheckResponse
from tests.authz.decisions.samples import request_id
from tests.authz.doubles import key_text
from tests.authz.logins import DATA, login_url
from tests.authz.running import Authz, Setup

_HURRY = {"AUTHZ_DECISIONS_INTERVAL_SECONDS": "0.05", "AUTHZ_PROCESS_NAME": "here"}


@pytest.fixture
def setup(migrated_url: str, model_folder: Path) -> Iterator[Setup]:
    """A folder with a short name: sockets go in it."""
    with tempfile.TemporaryDirectory(prefix="tessera-authz-") as folder:
        yield Setup(Path(folder), migrated_url, model_folder)


@asynccontextmanager
async def _serving(setup: Setup, settings: Mapping[str, str]) -> AsyncIterator[Authz]:
    url = login_url(setup.database_url, DATA)
    authz = Authz(setup, {"AUTHZ_DATABASE_URL": url, **settings})
    try:
        await authz.serves()
        yield authz
    finally:
        authz.kill()


async def _ask(authz: Authz, key: str, number: int) -> CheckResponse:
    request = CheckRequest()
    http = request.attributes.request.http
    http.method, http.path = "GET", "/v1/models"
    http.headers.update({"authorization": f"Bearer {key}", "x-request-id": request_id(number)})
    return CheckResponse.FromString(await authz.call(request.SerializeToString()))


async def _find(connection: asyncpg.Connection, number: int) -> Decision:
    async with asyncio.timeout(30):
        while (found := await DecisionRows(connection).find(request_id(number))) is None:
            pass
    return found


@asynccontextmanager
async def _away(connection: asyncpg.Connection, postgres_url: str) -> AsyncIterator[None]:
    """Take the database away from the process."""
    name = await connection.fetchval("SELECT current_database()")
    admin = await asyncpg.connect(postgres_url)
    try:
        await admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = 'login_of_tessera_data'"
        )
        yield
    finally:
        await admin.execute(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
        await admin.close()


async def test_decisions_outlive_an_outage_of_the_database(
    setup: Setup, connection: asyncpg.Connection, postgres_url: str
) -> None:
    """Those of before, and the 503s of the outage itself; each with the process and its state."""
    key = await setup.seed()
    stale = {"AUTHZ_DIRECTORY_MAX_STALE_SECONDS": "1"}
    async with _serving(setup, _HURRY | stale) as authz:
        await _ask(authz, key_text(7), 1)
        before = await _find(connection, 1)
        async with _away(connection, postgres_url):
            async with asyncio.timeout(30):
                while (await _ask(authz, key, 2)).denied_response.status.code != 503:
                    pass
        during = await _find(connection, 2)
    assert (before.reason, before.told.status, before.place.process) == ("unknown_key", 401, "here")
    assert (during.reason, during.told.status) == ("directory_stale", 503)
    assert during.place.directory_number == before.place.directory_number
    assert during.place.directory_age is not None
    assert during.place.directory_age.total_seconds() > 1


async def test_a_process_that_stops_writes_what_waits(
    setup: Setup, connection: asyncpg.Connection
) -> None:
    """It does not wait for the next time that it would have been written."""
    key = await setup.seed()
    settings = {"AUTHZ_DECISIONS_INTERVAL_SECONDS": "3600", "AUTHZ_DECISIONS_SAMPLE": "1"}
    async with _serving(setup, settings) as authz:
        assert (await _ask(authz, key, 1)).HasField("ok_response")
        assert await authz.stop() == 0
    (kept,) = await DecisionRows(connection).list(DecisionQuery(), None, 10)
    assert kept.asked.request_id == request_id(1)
    assert kept.reason is None
