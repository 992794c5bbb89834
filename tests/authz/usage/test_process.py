"""The real process writes down, drains and refunds, on a real PostgreSQL."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest
from tests.authz.running import Authz, Setup

_RARELY = {"AUTHZ_USAGE_DRAIN_SECONDS": "3600"}
_TOTALS = """
    SELECT coalesce(sum(requests), 0)::bigint, coalesce(sum(tokens), 0)::bigint,
           coalesce(sum(refunded_requests), 0)::bigint FROM usage_minutes
"""


@pytest.fixture
def setup(migrated_url: str, model_folder: Path) -> Iterator[Setup]:
    """A folder with a short name: sockets go in it."""
    with tempfile.TemporaryDirectory(prefix="tessera-authz-") as folder:
        yield Setup(Path(folder), migrated_url, model_folder)


@pytest.fixture
async def key(setup: Setup) -> str:
    """The demo account's key, in a migrated database."""
    return await setup.seed()


@pytest.fixture
async def authz(setup: Setup, key: str) -> AsyncIterator[Authz]:
    """A healthy process that drains as it starts and as it ends."""
    authz = Authz(setup, _RARELY)
    try:
        await authz.serves()
        await authz.logs("usage.sent_again")  # the drain as it starts is done
        yield authz
    finally:
        authz.kill()


async def _totals(setup: Setup) -> tuple[int, ...]:
    connection = await asyncpg.connect(setup.database_url)
    try:
        row = await connection.fetchrow(_TOTALS)
    finally:
        await connection.close()
    assert row is not None
    return tuple(row)


async def test_what_was_used_is_told_at_the_end(authz: Authz, setup: Setup, key: str) -> None:
    """SIGTERM drains for the last time."""
    assert [await authz.status(key) for _ in range(3)] == [200] * 3
    assert await _totals(setup) == (0, 0, 0)
    assert await authz.stop() == 0
    assert await _totals(setup) == (3, 9, 0)


async def test_a_killed_process_leaves_its_usage_to_the_next(
    authz: Authz, setup: Setup, key: str
) -> None:
    """And refunds what was reported to have failed while nobody ran."""
    assert await authz.status(key) == 200
    request = CheckRequest()
    http = request.attributes.request.http
    http.method, http.path = "POST", "/v1/embeddings"
    http.raw_body = b'{"input":"hello","model":"Qwen/Qwen3-Embedding-8B"}'
    http.headers["authorization"] = f"Bearer {key}"
    http.headers["x-tessera-client-address"] = "192.0.2.1"
    http.headers["x-request-id"] = f"req_{'0f' * 16}"
    await authz.call(request.SerializeToString())
    authz.kill()
    (setup.folder / "failures.jsonl").write_text(
        f'{{"request_id":"req_{"0f" * 16}","status":503,"flags":"UAEX","sent_bytes":0}}\n'
    )
    again = Authz(setup, _RARELY)
    try:
        await again.serves()
        while 'authz_refunds_total{where="month"} 1.0' not in await again.metrics():
            pass
        assert await again.stop() == 0
    finally:
        again.kill()
    assert await _totals(setup) == (2, 6, 1)


async def test_a_damaged_journal_stops_no_process(authz: Authz, setup: Setup, key: str) -> None:
    """It is put aside, said and counted, and checks are answered."""
    assert await authz.status(key) == 200
    authz.kill()
    for name in ("usage", "usage-wal"):
        (setup.folder / name).write_bytes(b"x" * 10_000)
    again = Authz(setup, _RARELY)
    try:
        await again.serves()
        assert await again.status(key) == 200
        assert "authz_usage_journals_put_aside 1.0" in await again.metrics()
        assert "journal.put_aside" in again.events()
        await again.stop()
    finally:
        again.kill()
    assert await _totals(setup) == (1, 3, 0)


async def test_no_two_processes_have_one_journal(authz: Authz, setup: Setup) -> None:
    """The second says so and ends."""
    elsewhere = {
        "AUTHZ_SOCKET": str(setup.folder / "other.sock"),
        "AUTHZ_SNAPSHOT_FILE": str(setup.folder / "other"),
    }
    other = Authz(setup, elsewhere)
    assert other.process.wait(20) == 1
    assert f"Another process runs at {setup.folder / 'usage'}" in other.log.read_text()
