"""The adapter down, slow, or broken; and clients that leave."""

from collections.abc import Iterator

import pytest

from contract import errors
from edge.deployment import Timeouts
from tests.edge.conftest import Edge
from tests.edge.http1 import (
    assert_has_request_id,
    assert_is,
    assert_is_retryable,
    connection,
    embeddings,
    exchange,
)
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def timeouts() -> Timeouts:
    """An adapter that must hurry."""
    return Timeouts(upstream_seconds=1)


@pytest.fixture
def edge_with_adapter_down(edge: Edge) -> Iterator[Edge]:
    """Envoy, and nobody at the adapter's socket."""
    edge.adapter.stop()
    yield edge
    edge.adapter.start()


def test_an_adapter_that_is_down_is_503(edge_with_adapter_down: Edge) -> None:
    """It is soon back, so the answer says when to try again."""
    answer = exchange(edge_with_adapter_down.port, embeddings())
    assert_is_retryable(answer, errors.unavailable)


def test_an_adapter_that_hangs_is_504(edge: Edge) -> None:
    """And it is told that nobody waits any more."""
    edge.adapter.script.hang = True
    assert_is(exchange(edge.port, embeddings()), errors.upstream_timeout())
    assert edge.adapter.abandoned.wait(timeout=5)


def test_an_adapter_that_hangs_up_is_503_and_is_not_asked_twice(edge: Edge) -> None:
    """It has had the request: to ask again could embed it twice."""
    edge.adapter.script.hang_up = True
    assert_is_retryable(exchange(edge.port, embeddings()), errors.unavailable)
    assert len(edge.adapter.received) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_an_adapters_own_error_passes_unchanged_and_is_not_retried(edge: Edge, status: int) -> None:
    """The adapter answers for itself, and once."""
    edge.adapter.script.status = status
    edge.adapter.script.headers = {"retry-after-ms": "77"}
    answer = exchange(edge.port, embeddings())
    assert (answer.status, answer.header("retry-after-ms")) == (status, "77")
    assert answer.json()["path"] == "/v1/embeddings"
    assert_has_request_id(answer)
    assert len(edge.adapter.received) == 1


def test_work_is_cancelled_when_the_client_leaves(edge: Edge) -> None:
    """The adapter's connection closes while it is still at work."""
    edge.adapter.script.hang = True
    with connection(edge.port) as sock:
        sock.sendall(embeddings())
        wait_until(lambda: len(edge.adapter.received) == 1)
    assert edge.adapter.abandoned.wait(timeout=5)
