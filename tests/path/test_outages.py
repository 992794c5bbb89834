"""Bad days on the whole path: each part frozen or killed while a customer goes on calling."""

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import openai
import pytest

from stack.launch import RunningStack, running_stack
from stack.options import Options
from stack.status import UnitState
from tests import unencrypted
from tests.customers import open_account
from tests.path.frozen import frozen
from tests.path.sdks import Sdk, call, node, python
from tests.waiting import wait_until

_MODEL = "Qwen/Qwen3-Embedding-8B"


_QUEUE_TOKENS = 1000
_ADAPTER = {
    "ADAPTER_CALL_TIMEOUT_SECONDS": "3",
    "ADAPTER_BATCHES_IN_FLIGHT": "1",
    "ADAPTER_QUEUE_TOKENS_MAX": str(_QUEUE_TOKENS),
    "ADAPTER_SHORT_TOKENS_MAX": str(2 * _QUEUE_TOKENS),  # so that all requests wait in one queue
}


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of the module's own: two authz processes, and little patience with Triton."""
    options = Options(
        state=tmp_path_factory.mktemp("fragile") / "state",
        port=0,
        authz=2,
        environment={"adapter": _ADAPTER},
    )
    with running_stack(options) as stack:
        yield stack


def test_a_frozen_database_is_noticed_by_no_good_key(fragile: RunningStack) -> None:
    """Keys that are known go on; when the database is back, so are changes."""
    assert _embed(fragile).status_code == 200
    with frozen(fragile, "postgres"):
        assert {_embed(fragile).status_code for _ in range(30)} == {200}
    open_account(fragile)


def test_a_killed_database_is_noticed_by_no_good_key(fragile: RunningStack) -> None:
    """The same when it is gone and comes back as another process."""
    os.kill(fragile.pid("postgres"), signal.SIGKILL)
    assert {_embed(fragile).status_code for _ in range(30)} == {200}
    wait_until(lambda: fragile.unit("postgres").restarts > 0)
    wait_until(lambda: fragile.unit("postgres").state is UnitState.READY)
    open_account(fragile)


def test_a_frozen_model_is_504_and_comes_back(fragile: RunningStack) -> None:
    """The caller gets an answer at the deadline, in OpenAI's shape, and later a vector."""
    with frozen(fragile, "triton"):
        answer = _embed(fragile)
        assert answer.status_code == 504
        assert answer.json()["error"]["code"] == "timeout"
    wait_until(lambda: _embed(fragile).status_code == 200)


def test_too_much_at_once_is_503_with_the_time_that_what_waits_will_take(
    fragile: RunningStack,
) -> None:
    """Half of it, or all of it by chance, at the speed that the model was measured at."""
    with _overload(fragile):
        answer = _embed(fragile)
        waiting = _metric(fragile, "adapter_queued_tokens")
        seconds = waiting / _metric(fragile, "adapter_tokens_per_second")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "overloaded")
    told = int(answer.headers["retry-after-ms"]) / 1000
    assert max(seconds / 2, 0.05) <= told <= max(seconds, 0.05) + 0.001


@pytest.mark.parametrize("sdk", [python, node], ids=["python", "node"])
def test_an_sdk_comes_back_when_an_overload_told_it_to(fragile: RunningStack, sdk: Sdk) -> None:
    """Not before, and as often as it takes: others who use its key leave it little room."""
    with _pressing(fragile, clients=4):
        outcome = call(sdk, fragile, fragile.key, retries=1000)
    assert outcome.refusal is None
    assert outcome.statuses == [503] * (len(outcome.attempts) - 1) + [200]
    assert len(outcome.attempts) > 1
    assert not outcome.came_too_soon


@contextmanager
def _overload(stack: RunningStack) -> Iterator[None]:
    """Let more wait for a model that stands still than may: one is with it, and one waits."""
    with _pressing(stack, clients=2), frozen(stack, "triton"):
        wait_until(lambda: _metric(stack, "adapter_queued_tokens") >= _QUEUE_TOKENS)
        yield


@contextmanager
def _pressing(stack: RunningStack, clients: int) -> Iterator[None]:
    """Let clients ask for as much as may wait, each again and again."""
    is_over = threading.Event()

    def press() -> None:
        while not is_over.is_set():
            answer = _embed(stack, ["word " * 150] * 8)  # 1216 tokens
            is_over.wait(int(answer.headers.get("retry-after-ms", 0)) / 1000)

    with ThreadPoolExecutor(clients) as threads:
        pressing = [threads.submit(press) for _ in range(clients)]
        try:
            yield
        finally:
            is_over.set()
    for each in pressing:
        each.result()


@pytest.mark.parametrize("name", ["triton", "adapter"])
def test_a_part_that_is_down_is_503_with_a_wait(fragile: RunningStack, name: str) -> None:
    """The SDK is told to come again soon; the key is never blamed, and nothing hangs."""
    os.kill(fragile.pid(name), signal.SIGKILL)
    seen: list[httpx.Response] = []
    wait_until(lambda: _collect(fragile, seen).status_code == 503)
    wait_until(lambda: _collect(fragile, seen).status_code == 200)
    refused = [answer for answer in seen if answer.status_code == 503]
    assert {answer.status_code for answer in seen} <= {200, 503}
    for answer in refused:
        assert answer.json()["error"]["type"] == "server_error"
        assert int(answer.headers["retry-after-ms"]) > 0


def test_an_sdk_notices_no_dead_authz_process(fragile: RunningStack) -> None:
    """What the dead process was asked is a 503 that an SDK retries; the other one decides."""
    client = openai.OpenAI(base_url=fragile.base_url, api_key=fragile.key)
    os.kill(fragile.pid("authz-1"), signal.SIGKILL)
    for _ in range(50):
        client.embeddings.create(input="Hello", model=_MODEL)


def test_no_decision_means_no_entry(fragile: RunningStack) -> None:
    """With every authz process frozen the edge fails closed, and says it is not the key."""
    with frozen(fragile, "authz-1"), frozen(fragile, "authz-2"):
        answer = _embed(fragile)
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"
    assert int(answer.headers["retry-after-ms"]) > 0
    wait_until(lambda: _embed(fragile).status_code == 200)


def test_work_ends_when_the_client_leaves(fragile: RunningStack) -> None:
    """A large request whose client hangs up holds nothing, and is counted as abandoned."""
    texts = ["word " * 400] * 400
    body = json.dumps({"model": _MODEL, "input": texts}).encode()
    head = (
        "POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\n"
        f"authorization: Bearer {fragile.key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    address = urlsplit(fragile.base_url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(head.encode() + body)
        wait_until(lambda: _metric(fragile, "adapter_in_flight_tokens") > 0)
    wait_until(lambda: _metric(fragile, "adapter_in_flight_tokens") == 0)
    wait_until(
        lambda: _metric(fragile, 'adapter_requests_total{route="/v1/embeddings",status="499"}') > 0
    )


def _embed(stack: RunningStack, given: str | list[str] = "Hello") -> httpx.Response:
    return unencrypted.post(
        f"{stack.base_url}/embeddings",
        headers={"authorization": f"Bearer {stack.key}"},
        json={"model": _MODEL, "input": given},
        timeout=20,
    )


def _collect(stack: RunningStack, seen: list[httpx.Response]) -> httpx.Response:
    seen.append(_embed(stack))
    return seen[-1]


def _metric(stack: RunningStack, name: str) -> float:
    with unencrypted.client_of(stack.layout.socket("adapter"), timeout_seconds=5) as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))
