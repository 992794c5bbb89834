"""What PostgreSQL says that a customer used is what it was served, whatever happened."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from stack.launch import RunningStack, running_stack
from stack.options import Options
from tests.chaos.counting import Customer, Used, settle
from tests.chaos.killing import kill_again_and_again
from tests.customers import open_account
from tests.path.frozen import frozen
from tests.waiting import wait_until

_PROCESSES = ("authz-1", "authz-2")
_BODY = '{"model":"Qwen/Qwen3-Embedding-8B","input":"Hello"}'
_SERVED = Used(1, 3)
_TOLD_SECONDS = 60.0


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack of the module's own, whose journals are drained often."""
    options = Options(
        state=tmp_path_factory.mktemp("counted") / "state",
        port=0,
        authz=len(_PROCESSES),
        environment={"authz": {"AUTHZ_USAGE_DRAIN_SECONDS": "0.2"}},
    )
    with running_stack(options) as stack:
        yield stack


@pytest.fixture
def key(fragile: RunningStack) -> str:
    """The key of an account of the test's own, with limits that nothing here comes near."""
    return open_account(fragile, tier="dedicated")


def test_usage_is_exact_although_processes_are_killed(fragile: RunningStack, key: str) -> None:
    """Three times, under load: each request that was answered with vectors, and no other."""
    customer = Customer(fragile, key)

    async def drill() -> Used:
        await kill_again_and_again(fragile, customer, _PROCESSES, kills=3, seed=1)
        return await settle(fragile, key, customer.seen, _TOLD_SECONDS)

    said = asyncio.run(drill())
    assert said == customer.seen
    assert customer.seen.requests > 0


def test_what_the_adapter_could_not_serve_is_refunded(fragile: RunningStack, key: str) -> None:
    """Its 503 costs nothing, and what it serves again costs what it should."""
    os.kill(fragile.pid("adapter"), signal.SIGKILL)
    wait_until(lambda: _ask(fragile, key) == 503)
    wait_until(lambda: _ask(fragile, key) == 200)
    _assert_told(fragile, key, _SERVED)
    assert _refunds(fragile) > 0


def test_who_leaves_before_dispatch_pays_nothing(fragile: RunningStack, key: str) -> None:
    """Although the check is made once authz can, when nobody waits for its answer."""
    with frozen(fragile, "authz-1"), frozen(fragile, "authz-2"):
        with _request(fragile, key):
            pass
        wait_until(lambda: '"flags":"DC"' in fragile.layout.failures.read_text())
    wait_until(lambda: _ask(fragile, key) == 200)
    _assert_told(fragile, key, _SERVED)


def test_who_leaves_after_dispatch_pays(fragile: RunningStack, key: str) -> None:
    """The model has begun."""
    with frozen(fragile, "triton"), _request(fragile, key):
        wait_until(lambda: _metric(fragile, "adapter", "adapter_in_flight_tokens") > 0)
    wait_until(lambda: _metric(fragile, "adapter", "adapter_in_flight_tokens") == 0)
    wait_until(lambda: _ask(fragile, key) == 200)
    _assert_told(fragile, key, Used(2, 6))


def _assert_told(stack: RunningStack, key: str, used: Used) -> None:
    assert asyncio.run(settle(stack, key, used, _TOLD_SECONDS)) == used


def _ask(stack: RunningStack, key: str) -> int:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    url = f"{stack.base_url}/embeddings"
    return httpx.post(url, headers=headers, content=_BODY, timeout=20).status_code


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
    transport = httpx.HTTPTransport(uds=str(stack.layout.socket(name)))
    with httpx.Client(transport=transport, base_url="http://localhost") as client:
        lines = client.get("/metrics", timeout=5).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric))
