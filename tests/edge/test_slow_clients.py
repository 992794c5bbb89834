"""Clients that send slowly, and hold what others need."""

import pytest

from contract import errors
from edge.deployment import Timeouts
from tests.edge.conftest import Edge
from tests.edge.http1 import assert_is, bearer, connection, embeddings, read_answer, request


@pytest.fixture(scope="module")
def timeouts() -> Timeouts:
    """Little patience."""
    return Timeouts(request_headers_seconds=0.4, request_seconds=0.8, connection_idle_seconds=0.4)


def test_slow_headers_are_408(edge: Edge) -> None:
    """The connection is not held for headers that never end."""
    with connection(edge.port) as sock:
        sock.sendall(b"POST /v1/embeddings HTTP/1.1\r\nhost: edge\r\n")
        assert_is(read_answer(sock), errors.request_timeout())
        assert sock.recv(1) == b""


@pytest.mark.parametrize("payload", [embeddings(b"{}")[:-1], b""], ids=["length", "chunks"])
def test_a_slow_body_is_408(edge: Edge, payload: bytes) -> None:
    """Nor for a body; authz is never asked about half of one."""
    head = request("POST", "/v1/embeddings", [*bearer(), ("transfer-encoding", "chunked")])
    with connection(edge.port) as sock:
        sock.sendall(payload or head + b"1\r\n{\r\n")
        assert_is(read_answer(sock), errors.request_timeout())
    assert edge.authz.checks == []


def test_an_idle_connection_is_closed(edge: Edge) -> None:
    """A client that says nothing is let go."""
    with connection(edge.port) as sock:
        assert sock.recv(1) == b""
