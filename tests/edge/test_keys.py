"""Keys that Envoy itself can tell are none: no Python runs for them."""

import pytest

from contract import errors
from tests.edge.conftest import Edge
from tests.edge.http1 import (
    KEY,
    assert_has_request_id,
    assert_is,
    bearer,
    chunked,
    embeddings,
    exchange,
    request,
)

_NOT_BEARER = ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", KEY, f"Token {KEY}"]
_MALFORMED = [
    "Bearer x",
    f"Bearer {KEY}a",
    f"Bearer {KEY[:-1]}",
    f"Bearer  {KEY}",
    f"Bearer {KEY},Bearer {KEY}",
    f"Bearer {KEY.upper()}",
    f"Bearer {KEY[:-1]}é",
    f"Bearer {KEY[:-1]}'",
    "Bearer ' OR 1=1; --",
    "Bearer sk-" + "a" * 20_000,
]


@pytest.mark.parametrize("value", [None, *_NOT_BEARER])
def test_a_request_without_a_key_is_told_so_by_envoy(edge: Edge, value: str | None) -> None:
    """A missing header, another scheme or an empty one asks for a key and costs no check."""
    headers = [] if value is None else [("authorization", value)]
    answer = exchange(edge.port, request("POST", "/v1/embeddings", headers, b"{}"))
    assert_is(answer, errors.missing_api_key())
    assert edge.authz.checks == []


@pytest.mark.parametrize("value", _MALFORMED, ids=range(len(_MALFORMED)))
def test_a_malformed_key_is_refused_by_envoy(edge: Edge, value: str) -> None:
    """What cannot be a key is refused without a check, and never echoed."""
    headers = [("authorization", value)]
    answer = exchange(edge.port, request("POST", "/v1/embeddings", headers, b"{}"))
    assert_is(answer, errors.incorrect_api_key())
    assert edge.authz.checks == []


def test_a_duplicate_authorization_header_is_refused(edge: Edge) -> None:
    """Two headers, even the same, are no key: nobody can disagree on which one counts."""
    answer = exchange(edge.port, embeddings(headers=bearer()))
    assert_is(answer, errors.incorrect_api_key())
    assert edge.authz.checks == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_read_in_any_case(edge: Edge, scheme: str) -> None:
    """HTTP's schemes have no case."""
    payload = request("POST", "/v1/embeddings", [("authorization", f"{scheme} {KEY}")], b"{}")
    assert exchange(edge.port, payload).status == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/embeddings", "/v1/unknown", "/v1/"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_everything_under_v1_wants_a_key_first(edge: Edge, path: str, method: str) -> None:
    """A stranger learns nothing of what is served."""
    assert_is(exchange(edge.port, request(method, path)), errors.missing_api_key())


def test_a_large_chunked_body_without_a_key_never_leaves_envoy(edge: Edge) -> None:
    """The answer comes before the body has been read."""
    head = request("POST", "/v1/embeddings", [("transfer-encoding", "chunked")])
    answer = exchange(edge.port, head + chunked([b"x" * 65_536]))
    assert_is(answer, errors.missing_api_key())
    assert edge.authz.checks == []
    assert edge.adapter.received == []


def test_a_nul_in_a_key_is_refused(edge: Edge) -> None:
    """A control character is no HTTP."""
    headers = [("authorization", f"Bearer {KEY[:-1]}\0")]
    answer = exchange(edge.port, request("POST", "/v1/embeddings", headers, b"{}"))
    assert_is(answer, errors.bad_request())
    assert edge.authz.checks == []


def test_a_caller_that_speaks_grpc_is_refused_in_its_own_way(edge: Edge) -> None:
    """Envoy answers gRPC in gRPC's form; the refusal is the same, and so early."""
    headers = [("content-type", "application/grpc")]
    answer = exchange(edge.port, request("POST", "/v1/embeddings", headers, b"{}"))
    assert answer.header("grpc-status") == "16"
    assert_has_request_id(answer)
    assert edge.authz.checks == []
