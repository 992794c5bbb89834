"""`GET /v1/organization/usage/embeddings` goes to a process of its own, and to no other."""

import pytest

from contract import errors
from contract.headers import ACCOUNT
from tests.edge.conftest import Edge
from tests.edge.doubles import ALLOWED_HEADERS, Received, deny
from tests.edge.http1 import (
    assert_has_request_id,
    assert_is,
    assert_is_retryable,
    bearer,
    embeddings,
    exchange,
    request,
)
from tests.waiting import wait_until

_PATH = "/v1/organization/usage/embeddings"


def _received(edge: Edge) -> list[Received]:
    return [each for each in edge.usage.received if each.path != "/healthz"]


def test_a_report_is_made_for_whoever_authz_says_is_calling(edge: Edge) -> None:
    """A client's own word is dropped, in any spelling; the query arrives as it was sent."""
    path = f"{_PATH}?start_time=1&group_by[]=model"
    claimed = (("x-tessera-account", "acme"), ("X-TESSERA-ACCOUNT", "acme"))
    answer = exchange(edge.port, request("GET", path, [*bearer(), *claimed]))
    assert answer.status == 200
    assert_has_request_id(answer)
    [received] = _received(edge)
    assert (received.method, received.path) == ("GET", path)
    assert received.headers[ACCOUNT] == ALLOWED_HEADERS[ACCOUNT]
    assert "authorization" not in received.headers
    assert len(edge.authz.checks) == 1
    assert edge.adapter.received == []


def test_whoever_authz_refuses_is_told_nothing(edge: Edge) -> None:
    """A key that was not made for it gets the catalogue's 403."""
    error = errors.key_not_scoped("the endpoint 'usage'")
    edge.authz.behaviour = deny(error)
    assert_is(exchange(edge.port, request("GET", _PATH, bearer())), error)
    assert _received(edge) == []


def test_without_a_key_nobody_is_asked(edge: Edge) -> None:
    """As everywhere."""
    assert_is(exchange(edge.port, request("GET", _PATH)), errors.missing_api_key())
    assert edge.authz.checks == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_it_can_only_be_read(edge: Edge, method: str) -> None:
    """405 names what is allowed."""
    answer = exchange(edge.port, request(method, _PATH, bearer()))
    assert_is(answer, errors.method_not_allowed("GET"))
    assert answer.header("allow") == "GET"
    assert (edge.authz.checks, _received(edge)) == ([], [])


@pytest.mark.parametrize("path", [f"{_PATH}/", "/v1/organization/usage", "/v1/organization"])
def test_what_is_only_nearly_served_is_unknown(edge: Edge, path: str) -> None:
    """And costs no check."""
    assert_is(exchange(edge.port, request("GET", path, bearer())), errors.unknown_url())
    assert edge.authz.checks == []


def test_embeddings_are_served_while_no_reports_are(edge: Edge) -> None:
    """A process that is gone is a 503 for whoever asks for usage, and for nobody else."""
    edge.usage.stop()
    try:
        answer = exchange(edge.port, request("GET", _PATH, bearer()))
        assert_is_retryable(answer, errors.unavailable)
        assert exchange(edge.port, embeddings()).status == 200
    finally:
        edge.usage.start()
    wait_until(lambda: exchange(edge.port, request("GET", _PATH, bearer())).status == 200)
