"""Headers that only Tessera may say, and the id that every answer carries."""

import pytest

from contract import errors
from tests.edge.conftest import Edge
from tests.edge.doubles import ALLOWED_HEADERS, deny
from tests.edge.http1 import (
    KEY,
    assert_has_request_id,
    assert_is,
    bearer,
    connection,
    embeddings,
    exchange,
    read_answer,
    request,
)

_SENT_TO_AUTHZ = {"authorization", "content-length", "content-type", "x-request-id"} | {
    "traceparent",
    "x-stainless-retry-count",
    "x-tessera-client-address",
}


@pytest.mark.parametrize(
    "names",
    [
        ["x-tessera-account"],
        ["X-Tessera-Account"],
        ["X-TESSERA-TOKENS"],
        ["x-tessera-key", "x-tessera-key", "X-Tessera-Key"],
        ["x-tessera-anything-at-all"],
        ["x-tessera-"],
    ],
)
def test_internal_headers_of_a_client_are_dropped(edge: Edge, names: list[str]) -> None:
    """In every case and number: the adapter sees only what authz said."""
    answer = exchange(edge.port, embeddings(headers=[(name, "forged") for name in names]))
    assert answer.json()["internal"] == ALLOWED_HEADERS


@pytest.mark.parametrize(
    "name", ["x_tessera_account", "x-tessera_account", "X_Tessera-Key", "authorization_"]
)
def test_a_header_with_an_underscore_is_refused(edge: Edge, name: str) -> None:
    """Servers that read `_` as `-` would take it for ours."""
    answer = exchange(edge.port, embeddings(headers=[(name, f"Bearer {KEY}")]))
    assert_is(answer, errors.bad_request())
    assert (edge.authz.checks, edge.adapter.received) == ([], [])


def test_an_internal_header_in_a_trailer_does_not_arrive(edge: Edge) -> None:
    """Trailers come after the check, so they are dropped."""
    head = request("POST", "/v1/embeddings", [*bearer(), ("transfer-encoding", "chunked")])
    answer = exchange(edge.port, head + b"2\r\n{}\r\n0\r\nx-tessera-account: forged\r\n\r\n")
    assert answer.json()["internal"] == ALLOWED_HEADERS


def test_authz_receives_the_headers_it_needs_and_no_other(edge: Edge) -> None:
    """Cookies, addresses that others tell and the rest are none of its business."""
    others = [("cookie", "secret"), ("user-agent", "test"), ("x-forwarded-for", "10.0.0.1")]
    wanted = [
        ("content-type", "application/json"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("x-stainless-retry-count", "1"),
    ]
    exchange(edge.port, embeddings(headers=[*others, *wanted]))
    # Envoy adds one of its own, which says that the body is whole.
    assert set(_headers_checked(edge)) - {"x-envoy-auth-partial-body"} == _SENT_TO_AUTHZ


def test_the_key_does_not_reach_the_adapter(edge: Edge) -> None:
    """It has done its work at authz."""
    exchange(edge.port, embeddings(headers=[("cookie", "secret")]))
    assert not {"authorization", "cookie"} & set(edge.adapter.received[0].headers)


def test_client_headers_that_steer_envoy_are_not_obeyed(edge: Edge) -> None:
    """Timeouts and retries are ours to choose, from a private address too."""
    steering = {"x-envoy-upstream-rq-timeout-ms": "1", "x-envoy-retry-on": "5xx"}
    edge.adapter.script.status = 500
    exchange(edge.port, embeddings(headers=list(steering.items())))
    assert len(edge.adapter.received) == 1
    assert not set(steering) & set(edge.adapter.received[0].headers)


def test_one_request_id_goes_to_authz_the_adapter_and_the_client(edge: Edge) -> None:
    """One id finds a request in every log."""
    answer = exchange(edge.port, embeddings())
    name = assert_has_request_id(answer)
    assert edge.adapter.received[0].headers["x-request-id"] == name
    assert _headers_checked(edge)["x-request-id"] == name


def test_no_two_requests_share_an_id(edge: Edge) -> None:
    """Also on one connection, and with the client's own the same."""
    own = "req_" + "0" * 32
    with connection(edge.port) as sock:
        seen = set()
        for _ in range(20):
            sock.sendall(embeddings(headers=[("x-request-id", own), ("x-request-id", own)]))
            seen.add(assert_has_request_id(read_answer(sock)))
    assert len(seen) == 20
    assert own not in seen


@pytest.mark.parametrize(
    "payload",
    [
        embeddings(headers=[("x-request-id", "evil")], key="sk-x"),
        request("GET", "/nothing", [("x-request-id", "evil")]),
        request("GET", "/healthz", [("x-request-id", "evil")]),
        request("GET", "/v1/models#x", [*bearer(), ("x-request-id", "evil")]),
        request("GET", "/v1/models", [("a_b", "c"), ("x-request-id", "evil")]),
        b"GET /v1/models HTTP/1.1\r\nx-request-id: evil\r\n\r\n",
        b"GET /v1/models HTTP/1.0\r\nx-request-id: evil\r\n\r\n",
        b"CONNECT edge:80 HTTP/1.1\r\nhost: edge:80\r\nx-request-id: evil\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: edge\r\nx-request-id: evil\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
    ],
)
def test_an_answer_of_envoys_own_has_an_id_that_is_ours(edge: Edge, payload: bytes) -> None:
    """However early it is given."""
    assert_has_request_id(exchange(edge.port, payload))


def test_a_denial_has_the_id_that_authz_was_asked_with(edge: Edge) -> None:
    """So a customer's complaint can be looked up."""
    edge.authz.behaviour = deny(errors.incorrect_api_key("sk-tess****…aaaa"))
    answer = exchange(edge.port, embeddings())
    assert assert_has_request_id(answer) == _headers_checked(edge)["x-request-id"]


def test_an_adapters_own_id_is_replaced(edge: Edge) -> None:
    """There is one id, Envoy's."""
    edge.adapter.script.headers = {"x-request-id": "adapter"}
    assert_has_request_id(exchange(edge.port, embeddings()))


def test_answers_do_not_tell_what_they_came_through(edge: Edge) -> None:
    """No `x-envoy-*`, and one server name."""
    edge.adapter.script.headers = {"server": "uvicorn"}
    for payload in (embeddings(), embeddings(key="sk-x"), request("GET", "/healthz")):
        answer = exchange(edge.port, payload)
        assert [name for name, _ in answer.headers if name.startswith("x-envoy")] == []
        assert answer.header("server") == "tessera"


def test_headers_above_the_limit_are_431(edge: Edge) -> None:
    """By size and by number."""
    large = [("x-large", "x" * 40_000)]
    many = [(f"x-{number}", "x") for number in range(120)]
    for headers in (large, many):
        answer = exchange(edge.port, embeddings(headers=headers))
        assert_is(answer, errors.headers_too_large())


@pytest.mark.parametrize(
    "payload",
    [
        b"FOO /v1/models HTTP/1.1\r\nhost: edge\r\n\r\n",
        b"GET /v1/models HTTP/1.0\r\n\r\n",
        request("POST", "/v1/embeddings", [*bearer(), ("transfer-encoding", "chunked")], b"{}"),
        request("POST", "/v1/embeddings", [*bearer(), ("content-length", "3")], b"{}"),
        request(
            "GET", "/v1/models", [*bearer(), ("upgrade", "websocket"), ("connection", "upgrade")]
        ),
    ],
    ids=["method", "HTTP/1.0", "length and chunks", "two lengths", "upgrade"],
)
def test_odd_http_is_a_bad_request(edge: Edge, payload: bytes) -> None:
    """What servers may read in two ways is refused in one."""
    assert_is(exchange(edge.port, payload), errors.bad_request())
    assert edge.adapter.received == []


def test_connect_finds_nothing(edge: Edge) -> None:
    """Envoy is no forward proxy."""
    answer = exchange(edge.port, b"CONNECT edge:80 HTTP/1.1\r\nhost: edge:80\r\n\r\n")
    assert_is(answer, errors.unknown_url())


def test_expect_is_answered_by_envoy_and_goes_no_further(edge: Edge) -> None:
    """Curl sends it with larger bodies."""
    with connection(edge.port) as sock:
        payload = embeddings(headers=[("expect", "100-continue")])
        sock.sendall(payload.removesuffix(b"{}"))
        assert sock.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"{}")
        assert read_answer(sock).status == 200
    assert "expect" not in edge.adapter.received[0].headers


def _headers_checked(edge: Edge) -> dict[str, str]:
    (check,) = edge.authz.checks
    assert check.attributes is not None
    assert check.attributes.request is not None
    assert check.attributes.request.http is not None
    return check.attributes.request.http.headers
