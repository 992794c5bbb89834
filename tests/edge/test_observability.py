"""Probes and scrapes: open to those who may, and nothing else of the admin interface."""

import socket
from http.client import HTTPConnection
from pathlib import Path

import pytest

from contract import errors
from tests.edge.conftest import Edge, is_ready
from tests.edge.http1 import (
    assert_has_request_id,
    assert_is_retryable,
    embeddings,
    exchange,
    request,
)
from tests.waiting import wait_until


class _UnixConnection(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("admin", timeout=5)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(str(self._path))


def _admin(edge: Edge, path: str) -> int:
    connection = _UnixConnection(edge.admin)
    connection.request("POST", path)
    status = connection.getresponse().status
    connection.close()
    return status


def test_metrics_are_served_on_their_own_listener(edge: Edge) -> None:
    """With the counters that service levels are made from."""
    exchange(edge.port, embeddings())
    answer = exchange(edge.observability_port, request("GET", "/stats/prometheus"))
    for name in ("envoy_http_downstream_rq_xx", "envoy_cluster_ext_authz_ok", "envoy_server_live"):
        assert name in answer.body.decode()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/quitquitquit",
        "/config_dump",
        "/stats",
        "/logging",
        "/drain_listeners",
        "/ready/../quitquitquit",
        "/stats/prometheus/../../config_dump",
    ],
)
def test_nothing_else_of_the_admin_interface_is_served(edge: Edge, method: str, path: str) -> None:
    """A scraper cannot stop Envoy, nor read its configuration."""
    assert exchange(edge.observability_port, request(method, path)).status == 404


@pytest.mark.parametrize("path", ["/ready", "/stats/prometheus"])
def test_the_observability_listener_only_reads(edge: Edge, path: str) -> None:
    """No method but GET."""
    assert exchange(edge.observability_port, request("POST", path)).status == 404


def test_the_admin_socket_is_private(edge: Edge) -> None:
    """Owner and group."""
    assert edge.admin.stat().st_mode & 0o777 == 0o660


def test_healthz_is_answered_without_a_key(edge: Edge) -> None:
    """By Envoy alone."""
    answer = exchange(edge.port, request("GET", "/healthz"))
    assert answer.status == 200
    assert_has_request_id(answer)
    assert (edge.authz.checks, edge.adapter.received) == ([], [])


def test_draining_fails_the_probes_and_serves_on(edge: Edge) -> None:
    """Load balancers go elsewhere while requests in flight still end well."""
    assert _admin(edge, "/healthcheck/fail") == 200
    try:
        answer = exchange(edge.port, request("GET", "/healthz"))
        assert_is_retryable(answer, errors.unavailable)
        assert not is_ready(edge.observability_port)
        assert exchange(edge.port, embeddings()).status == 200
    finally:
        assert _admin(edge, "/healthcheck/ok") == 200
    wait_until(lambda: is_ready(edge.observability_port))
