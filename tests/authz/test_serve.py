"""The real process on a real PostgreSQL, asked as Envoy asks it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import asyncpg
import grpc
import pytest

from authz.domain.pepper import Pepper
from contract.limits import BODY_BYTES_MAX
from proto.tessera.envoy.v1.access_log_pb2 import StreamAccessLogsMessage
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest, CheckResponse
from tests.authz.doubles import key_text
from tests.authz.running import PEPPER, Authz, Setup

_ACCESS_LOG: Final = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs"


@pytest.fixture
def setup(database_url: str, model_folder: Path) -> Iterator[Setup]:
    """A folder with a short name: sockets go in it."""
    with tempfile.TemporaryDirectory(prefix="tessera-authz-") as folder:
        yield Setup(Path(folder), database_url, model_folder)


@pytest.fixture
async def key(setup: Setup) -> str:
    """The demo account's key, in a migrated database."""
    return await setup.seed()


@pytest.fixture
async def authz(setup: Setup, key: str) -> AsyncIterator[Authz]:
    """A healthy process; afterwards its log must not have given a secret away."""
    authz = Authz(setup)
    try:
        await authz.serves()
        yield authz
    finally:
        authz.kill()
    log = authz.log.read_text()
    digest = Pepper.parse(PEPPER).digest_key(key)
    for secret in (key, key[20:40], PEPPER, digest.hex(), setup.database_url, "hello"):
        assert secret not in log


async def test_a_good_request_is_allowed(authz: Authz, key: str) -> None:
    """With its account, its exact tokens and what is left of its limit."""
    answer = await authz.check(key)
    upstream = {one.header.key: one.header.value for one in answer.ok_response.headers}
    assert upstream["x-tessera-tokens"] == "3"
    assert set(upstream) == {
        *("x-tessera-account", "x-tessera-key", "x-tessera-tokens", "x-tessera-minute"),
    }
    client = {
        one.header.key: one.header.value for one in answer.ok_response.response_headers_to_add
    }
    assert client["x-ratelimit-limit-requests"] == "3000"


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


_BEARERS: Final = (
    "'; DROP TABLE keys; --",
    "' OR '1'='1",
    "x" * 65536,
    "\x00",
    "%s%n",
    "sk-tessera-" + "é" * 40,
)


async def test_no_bearer_breaks_anything(authz: Authz, key: str) -> None:
    """Each is a 401, and the next request is served."""
    assert [await authz.status(bearer) for bearer in _BEARERS] == [401] * len(_BEARERS)
    assert await authz.status(key) == 200


async def test_bytes_that_are_no_check_break_nothing(authz: Authz, key: str) -> None:
    """Neither headers that are not UTF-8 nor noise: an error for that call alone."""
    request = CheckRequest()
    request.attributes.request.http.headers["authorization"] = "Bearer MARK"
    for noise in (request.SerializeToString().replace(b"MARK", b"\xff\xfe\xfd\xfc"), b"\xff" * 9):
        with pytest.raises(grpc.aio.AioRpcError):
            await authz.call(noise)
    assert await authz.status(key) == 200


async def test_an_unknown_key_is_a_401(authz: Authz) -> None:
    """With the body that OpenAI's clients know."""
    denied = (await authz.check(key_text(7))).denied_response
    assert denied.status.code == 401
    assert '"code":"invalid_api_key"' in denied.body


async def test_the_longest_body_is_taken(authz: Authz, key: str) -> None:
    """GRPC's own limit of 4 MiB is not ours."""
    body = b'{"model":"Qwen/Qwen3-Embedding-8B","input":"' + b"a" * (BODY_BYTES_MAX - 100) + b'"}'
    answer = await authz.check(key, body)
    assert answer.WhichOneof("http_response") == "ok_response"  # one word, if a long one


async def test_the_access_log_is_taken_on_the_same_socket(authz: Authz) -> None:
    """Envoy needs one cluster for both."""
    message = StreamAccessLogsMessage()
    entry = message.http_logs.log_entry.add()
    entry.common_properties.route_name = "embeddings"
    entry.response.response_code.value = 200
    await authz.channel.stream_unary(_ACCESS_LOG, None, None)(
        iter([message.SerializeToString()]), timeout=20
    )
    expected = 'authz_responses_total{flag="none",route="embeddings",status="200"} 1.0'
    assert expected in await authz.metrics()


async def test_the_directorys_age_can_be_watched(authz: Authz) -> None:
    """It is what an alarm on revocation is made from."""
    lines = (await authz.metrics()).splitlines()
    [age] = [line for line in lines if line.startswith("authz_directory_age_seconds ")]
    assert float(age.split()[1]) < 300


async def test_sigterm_is_a_clean_end(authz: Authz) -> None:
    """Even while Envoy's access log stream is open."""
    stream = authz.channel.stream_unary(_ACCESS_LOG, None, None)()  # type: ignore[call-arg] # optional
    await stream.write(b"")
    assert await authz.stop() == 0
    assert authz.events()[-1] == "server.stopped"


async def test_a_second_process_in_the_same_place_refuses_to_start(
    authz: Authz, setup: Setup, key: str
) -> None:
    """In one sentence, and the first goes on undisturbed."""
    done = setup.run("serve")
    assert done.returncode == 1
    sentence = f"authz: Another process runs at {setup.folder / 'authz.sock'}"
    assert done.stderr.splitlines()[-1].startswith(sentence)
    assert await authz.status(key) == 200


async def test_what_is_told_is_refused_already(authz: Authz, key: str, setup: Setup) -> None:
    """Whoever sees the revocation's number in the process's row finds the key refused."""
    await authz.reaches(key, 200)
    await _execute(setup, "UPDATE keys SET status = 'revoked', revoked_at = now()")
    connection = await asyncpg.connect(setup.database_url)
    wanted = await connection.fetchval("SELECT max(number) FROM changes")
    async with asyncio.timeout(20):
        while await connection.fetchval("SELECT min(number) FROM processes") != wanted:
            pass
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


async def test_a_start_before_the_schema_waits_and_says_so(setup: Setup) -> None:
    """Alive, unhealthy, and healthy as soon as the schema is there."""
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
