"""Every spelling of a path has one meaning, the same for Envoy, authz and the adapter."""

import pytest

from contract import errors
from tests.edge.conftest import Edge
from tests.edge.http1 import assert_is, bearer, exchange, request

_SAME_AS_EMBEDDINGS = [
    "/v1/embeddings",
    "//v1/embeddings",
    "/v1//embeddings",
    "/v1%2fembeddings",
    "/v1%2Fembeddings",
    "/v1%5cembeddings",
    "/./v1/embeddings",
    "/x/../v1/embeddings",
    "/../../v1/embeddings",
    "/v1/%65mbeddings",
    "http://elsewhere/v1/embeddings",
]
_UNKNOWN = [
    "/",
    "/v1",
    "/v1/embeddings/",
    "/v1/embeddings;x",
    "/v1/embeddings%3bx",
    "/v1/embeddings%20",
    "/v1/embeddings%252f",
    "/v1/embeddings%0d%0ax",
    "/V1/embeddings",
    "/v1/Embeddings",
    "//elsewhere/v1/embeddings",
    "/metrics",
    "/readyz",
    "/ready",
    "/stats/prometheus",
]
_INVALID = [
    "/v1/embeddings#x",
    "/v1/embeddings%00",
]


@pytest.mark.parametrize("path", _SAME_AS_EMBEDDINGS)
def test_equal_spellings_reach_authz_and_the_adapter_as_one(edge: Edge, path: str) -> None:
    """What Envoy routes by is what it sends on: nobody behind it decodes a path differently."""
    answer = exchange(edge.port, request("POST", path, bearer(), b"{}"))
    assert answer.status == 200
    assert [each.path for each in edge.adapter.received] == ["/v1/embeddings"]
    assert [_path_checked(edge)] == ["/v1/embeddings"]


@pytest.mark.parametrize("path", _UNKNOWN)
def test_other_paths_are_unknown_even_with_a_key(edge: Edge, path: str) -> None:
    """A path that is only nearly served is not served, and costs no check."""
    answer = exchange(edge.port, request("POST", path, bearer(), b"{}"))
    assert_is(answer, errors.unknown_url())
    assert (edge.authz.checks, edge.adapter.received) == ([], [])


@pytest.mark.parametrize("path", _INVALID)
def test_a_path_that_is_no_path_is_a_bad_request(edge: Edge, path: str) -> None:
    """Fragments and control characters are refused."""
    answer = exchange(edge.port, request("POST", path, bearer(), b"{}"))
    assert_is(answer, errors.bad_request())
    assert (edge.authz.checks, edge.adapter.received) == ([], [])


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/Qwen/Qwen3-Embedding-8B",
        "/v1/models/Qwen%2FQwen3-Embedding-8B",
        "/v1/models/Qwen%2fQwen3-Embedding-8B",
    ],
)
def test_a_models_id_may_hold_a_slash_escaped_or_plain(edge: Edge, path: str) -> None:
    """SDKs escape the slash; both forms arrive as the plain one."""
    answer = exchange(edge.port, request("GET", path, bearer()))
    assert answer.status == 200
    assert edge.adapter.received[0].path == "/v1/models/Qwen/Qwen3-Embedding-8B"
    assert _path_checked(edge) == "/v1/models/Qwen/Qwen3-Embedding-8B"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models/",
        "/v1/models/a/",
        "/v1/models/..%2f..%2fmetrics",
        "/v1/models/..%5c..%5cmetrics",
        "/v1/models/%2e%2e/metrics",
        "/v1/models/a%252Fb",
        "/v1/models/.hidden",
        "/v1/models/a%20b",
        "/v1/models/a;b",
    ],
)
def test_a_models_id_cannot_climb_or_hide(edge: Edge, path: str) -> None:
    """What is no id reaches no one, in whatever escaping."""
    answer = exchange(edge.port, request("GET", path, bearer()))
    assert_is(answer, errors.unknown_url())
    assert edge.adapter.received == []


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/embeddings", "POST"),
        ("DELETE", "/v1/embeddings", "POST"),
        ("TRACE", "/v1/embeddings", "POST"),
        ("GET", "/v1/embeddings/count", "POST"),
        ("POST", "/v1/models", "GET"),
        ("PUT", "/v1/models", "GET"),
        ("DELETE", "/v1/models/Qwen%2FQwen3-Embedding-8B", "GET"),
    ],
)
def test_a_wrong_method_names_the_right_one(
    edge: Edge, method: str, path: str, allowed: str
) -> None:
    """405 carries `allow`, and costs no check."""
    answer = exchange(edge.port, request(method, path, bearer()))
    assert_is(answer, errors.method_not_allowed(allowed))
    assert answer.header("allow") == allowed
    assert edge.authz.checks == []


def test_the_query_stays_with_the_path(edge: Edge) -> None:
    """A query does not change the route, and is not decoded."""
    exchange(edge.port, request("POST", "/v1/embeddings?a=b%2Fc", bearer(), b"{}"))
    assert edge.adapter.received[0].path == "/v1/embeddings?a=b%2Fc"


def _path_checked(edge: Edge) -> str:
    (check,) = edge.authz.checks
    assert check.attributes is not None
    assert check.attributes.request is not None
    assert check.attributes.request.http is not None
    return check.attributes.request.http.path
