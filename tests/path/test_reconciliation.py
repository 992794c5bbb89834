"""What authz charged, the access log saw and the adapter served is the same, whatever happens."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import httpx
import pytest

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.traffic import CountedMinute, Drift
from authz.storage.admin.traffic_rows import TrafficRows
from stack.launch import RunningStack, running_stack
from stack.options import Options
from stack.plan import database_url
from tests import unencrypted
from tests.customers import open_account, open_tier
from tests.path.frozen import frozen
from tests.waiting import wait_until

_MODEL: Final = "Qwen/Qwen3-Embedding-8B"
_LIMIT: Final = 5
_LONG: Final = "word " * 600
_MINUTE: Final = timedelta(minutes=1)


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of the module's own, whose traffic nobody else adds to."""
    options = Options(state=tmp_path_factory.mktemp("counted") / "state", port=0, authz=2)
    with running_stack(options) as stack:
        yield stack


@dataclass(slots=True)
class _Client:
    """Calls, and counts what it got for it."""

    stack: RunningStack
    got: Amounts = NOTHING

    def embed(self, key: str, given: object, **sent: Any) -> int:  # noqa: ANN401 httpx's own
        """Ask for vectors; return the status."""
        answer = unencrypted.post(
            f"{self.stack.base_url}/embeddings",
            headers={"authorization": f"Bearer {key}", "content-type": "application/json"},
            timeout=30,
            **(sent or {"json": {"model": _MODEL, "input": given}}),
        )
        if answer.status_code == 200:
            self.got += Amounts(1, answer.json()["usage"]["total_tokens"])
        return answer.status_code


def test_three_counts_of_the_same_traffic_agree_exactly(counted: RunningStack) -> None:
    """Successes, streamed bodies, refusals by each part, failures, and clients that leave."""
    began = datetime.now(UTC).replace(second=0, microsecond=0)
    client, key = _Client(counted), counted.key
    for given in ("Hello", ["Hello world", "Hello"], ["a word or two"] * 30, [[101, 7592, 102]]):
        assert client.embed(key, given) == 200
    assert client.embed(key, "", content=_stream()) == 200
    assert client.embed(key, "", json={"model": _MODEL, "input": _LONG, "truncate": "tail"}) == 200
    assert _count_tokens(counted) == 200
    assert client.embed(key, ["a"] * 2049) == 400
    assert client.embed("sk-nothing", "Hello") == 401
    assert 429 in _call_beyond_the_limit(client)
    _leave_while_the_model_works(counted)
    _call_while_the_adapter_is_away(client)
    assert client.embed(key, "Hello") == 200

    wait_until(lambda: _seen(counted, began) == client.got, lambda: _show(counted, began, client))
    minutes = asyncio.run(_count(counted, began))
    assert [each.drift for each in minutes] == [Drift()] * len(minutes)
    traffic = [each.traffic for each in minutes]
    assert sum((each.served for each in traffic), NOTHING) == client.got
    assert sum((each.left.requests for each in traffic), 0) == 1


def _count_tokens(stack: RunningStack) -> int:
    """Ask how many tokens there are, which is no usage in anybody's count."""
    answer = httpx.post(
        f"{stack.base_url}/embeddings/count",
        headers={"authorization": f"Bearer {stack.key}"},
        json={"model": _MODEL, "input": _LONG},
        timeout=30,
    )
    return answer.status_code


def _stream() -> Iterator[bytes]:
    yield b'{"model": "Qwen/Qwen3-Embedding-8B", '
    yield b'"input": "in two parts"}'


def _call_beyond_the_limit(client: _Client) -> Sequence[int]:
    key = open_account(client.stack, tier=open_tier(client.stack, requests_per_minute=_LIMIT))
    return [client.embed(key, "Hello") for _ in range(2 * _LIMIT)]


def _leave_while_the_model_works(stack: RunningStack) -> None:
    with frozen(stack, "triton"), contextlib.suppress(httpx.ReadTimeout):
        unencrypted.post(
            f"{stack.base_url}/embeddings",
            headers={"authorization": f"Bearer {stack.key}"},
            json={"model": _MODEL, "input": "Is anybody there?"},
            timeout=1,
        )


def _call_while_the_adapter_is_away(client: _Client) -> None:
    os.kill(client.stack.pid("adapter"), signal.SIGKILL)
    wait_until(lambda: client.embed(client.stack.key, "Hello") == 503)
    wait_until(lambda: client.embed(client.stack.key, "Hello") == 200)


def _seen(stack: RunningStack, began: datetime) -> Amounts:
    """Return what was seen, once it is what was charged."""
    minutes = asyncio.run(_count(stack, began))
    if any(each.drift != Drift() for each in minutes):
        return NOTHING
    return sum((each.traffic.seen for each in minutes), NOTHING)


async def _count(stack: RunningStack, began: datetime) -> Sequence[CountedMinute]:
    connection = await asyncpg.connect(database_url(stack.layout))
    try:
        return await TrafficRows(connection).count([began + _MINUTE * n for n in range(10)])
    finally:
        await connection.close()


def _show(stack: RunningStack, began: datetime, client: _Client) -> str:
    return f"the client got {client.got}; {asyncio.run(_count(stack, began))}"
