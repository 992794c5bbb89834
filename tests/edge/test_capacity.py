"""More than Envoy may hold is refused at once, not queued."""

from contextlib import ExitStack

import pytest

from contract import errors
from edge.deployment import Capacity, Timeouts
from tests.edge.conftest import Edge
from tests.edge.http1 import assert_is_retryable, connection, embeddings, exchange
from tests.waiting import wait_until

_CONNECTIONS_MAX = 4


@pytest.fixture(scope="module")
def timeouts() -> Timeouts:
    """An adapter that must hurry."""
    return Timeouts(upstream_seconds=1)


@pytest.fixture(scope="module")
def capacity() -> Capacity:
    """Room for one request and one that waits."""
    return Capacity(requests_max=1, connections_max=_CONNECTIONS_MAX)


def test_a_request_that_does_not_fit_is_told_of_the_overload(edge: Edge) -> None:
    """Beyond the circuit breaker nothing waits."""
    edge.adapter.script.hang = True
    with connection(edge.port) as running, connection(edge.port) as waiting:
        running.sendall(embeddings())
        wait_until(lambda: len(edge.adapter.received) == 1)
        waiting.sendall(embeddings())
        wait_until(lambda: len(edge.authz.checks) == 2)
        assert_is_retryable(exchange(edge.port, embeddings()), errors.overloaded)


def test_a_connection_that_does_not_fit_is_closed(edge: Edge) -> None:
    """The others stay."""
    with ExitStack() as held:
        for _ in range(_CONNECTIONS_MAX):
            held.enter_context(connection(edge.port))
        with connection(edge.port) as one_more:
            assert one_more.recv(1) == b""
