"""What a real process answers to whoever asks; one answers all tests here, which change nothing."""

import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import grpc
import pytest
import pytest_asyncio

from contract.limits import BODY_BYTES_MAX
from proto.tessera.envoy.v1.access_log_pb2 import StreamAccessLogsMessage
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest
from tests.authz.doubles import key_text
from tests.authz.running import ACCESS_LOG, Authz, Setup, discreet
from tests.conftest import ShareDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def setup(share_database: ShareDatabase, model_folder: Path) -> Iterator[Setup]:
    """All that a process needs."""
    with tempfile.TemporaryDirectory(prefix="tessera-authz-") as folder:  # short, for sockets
        yield Setup(Path(folder), share_database("serving"), model_folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def key(setup: Setup) -> str:
    """The demo account's key."""
    return await setup.seed()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def authz(setup: Setup, key: str) -> AsyncIterator[Authz]:
    """The process."""
    async with discreet(setup, key) as authz:
        yield authz


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
    words = f"{'a' * 199} " * (BODY_BYTES_MAX // 200 - 1)  # each is one token, if a long one
    body = {"model": "Qwen/Qwen3-Embedding-8B", "truncate": "tail", "input": words}
    answer = await authz.check(key, json.dumps(body).encode())
    assert answer.WhichOneof("http_response") == "ok_response"


async def test_the_access_log_is_taken_on_the_same_socket(authz: Authz) -> None:
    """Envoy needs one cluster for both."""
    message = StreamAccessLogsMessage()
    entry = message.http_logs.log_entry.add()
    entry.common_properties.route_name = "embeddings"
    entry.response.response_code.value = 200
    await authz.channel.stream_unary(ACCESS_LOG, None, None)(
        iter([message.SerializeToString()]), timeout=20
    )
    expected = 'authz_responses_total{flag="none",route="embeddings",status="200"} 1.0'
    assert expected in await authz.metrics()


async def test_the_directorys_age_can_be_watched(authz: Authz) -> None:
    """It is what an alarm on revocation is made from."""
    lines = (await authz.metrics()).splitlines()
    [age] = [line for line in lines if line.startswith("authz_directory_age_seconds ")]
    assert float(age.split()[1]) < 300


async def test_a_second_process_in_the_same_place_refuses_to_start(
    authz: Authz, setup: Setup, key: str
) -> None:
    """In one sentence, and the first goes on undisturbed."""
    done = setup.run("serve")
    assert done.returncode == 1
    sentence = f"authz: Another process runs at {setup.folder / 'authz.sock'}"
    assert done.stderr.splitlines()[-1].startswith(sentence)
    assert await authz.status(key) == 200
