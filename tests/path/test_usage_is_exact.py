"""What PostgreSQL says that a customer used is what it was served, whatever happened."""

import asyncio
import os
import signal
import socket
from urllib.parse import urlsplit

import pytest

from stack.launch import RunningStack
from tests import unencrypted
from tests.chaos.counting import Customer, Used, settle
from tests.chaos.killing import kill_again_and_again
from tests.customers import open_account
from tests.path.frozen import frozen
from tests.waiting import wait_until

_PROCESSES = ("authz-1", "authz-2")
_BODY = '{"model":"Qwen/Qwen3-Embedding-8B","input":"Hello"}'
_SERVED = Used(1, 3)
_TOLD_SECONDS = 60.0


@pytest.fixture
def key(pair: RunningStack) -> str:
    """The key of an account of the test's own, with limits that nothing here comes near."""
    return open_account(pair, tier="dedicated")


def test_usage_is_exact_although_processes_are_killed(pair: RunningStack, key: str) -> None:
    """Three times, under load: each request that was answered with vectors, and no other."""
    customer = Customer(pair, key)

    async def drill() -> Used:
        await kill_again_and_again(pair, customer, _PROCESSES, kills=3, seed=1)
        return await settle(pair, key, customer.seen, _TOLD_SECONDS)

    said = asyncio.run(drill())
    assert said == customer.seen
    assert customer.seen.requests > 0


def test_what_the_adapter_could_not_serve_is_refunded(pair: RunningStack, key: str) -> None:
    """Its 503 costs nothing, and what it serves again costs what it should."""
    os.kill(pair.pid("adapter"), signal.SIGKILL)
    wait_until(lambda: _ask(pair, key) == 503)
    wait_until(lambda: _ask(pair, key) == 200)
    _assert_told(pair, key, _SERVED)
    assert _refunds(pair) > 0


def test_who_leaves_before_dispatch_pays_nothing(pair: RunningStack, key: str) -> None:
    """Although the check is made once authz can, when nobody waits for its answer."""
    with frozen(pair, "authz-1"), frozen(pair, "authz-2"):
        with _request(pair, key):
            pass
        wait_until(lambda: '"flags":"DC"' in pair.layout.failures.read_text())
    wait_until(lambda: _ask(pair, key) == 200)
    _assert_told(pair, key, _SERVED)


def test_who_leaves_after_dispatch_pays(pair: RunningStack, key: str) -> None:
    """The model has begun."""
    with frozen(pair, "triton"), _request(pair, key):
        wait_until(lambda: _metric(pair, "adapter", "adapter_in_flight_tokens") > 0)
    wait_until(lambda: _metric(pair, "adapter", "adapter_in_flight_tokens") == 0)
    wait_until(lambda: _ask(pair, key) == 200)
    _assert_told(pair, key, Used(2, 6))


def _assert_told(stack: RunningStack, key: str, used: Used) -> None:
    assert asyncio.run(settle(stack, key, used, _TOLD_SECONDS)) == used


def _ask(stack: RunningStack, key: str) -> int:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    url = f"{stack.base_url}/embeddings"
    return unencrypted.post(url, headers=headers, content=_BODY, timeout=20).status_code


def _request(stack: RunningStack, key: str) -> socket.socket:
    """Send a request, and return the connection: who closes it leaves."""
    address = urlsplit(stack.base_url)
    client = socket.create_connection((address.hostname, address.port), timeout=10)
    client.sendall(
        "POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(_BODY)}\r\n\r\n{_BODY}".encode()
    )
    return client


def _refunds(stack: RunningStack) -> float:
    return sum(_metric(stack, f"{name}.metrics", "authz_refunds_total") for name in _PROCESSES)


def _metric(stack: RunningStack, name: str, metric: str) -> float:
    with unencrypted.client_of(stack.layout.socket(name), timeout_seconds=5) as client:
        lines = client.get("/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))
