"""`POST /v1/embeddings/count` goes the way of embeddings: by authz, whole, and with a limit."""

import time
from typing import Final

import pytest

from contract import errors
from contract.headers import REMAINING_MONTH, REMAINING_REQUESTS, REMAINING_TOKENS
from contract.limits import BODY_BYTES_MAX
from edge.deployment import Timeouts
from tests.edge.conftest import Edge
from tests.edge.doubles import ALLOWED_HEADERS, allow, deny
from tests.edge.http1 import (
    Headers,
    assert_is,
    bearer,
    chunked,
    connection,
    exchange,
    read_answer,
    request,
)

_PATH: Final = "/v1/embeddings/count"
_REMAINING: Final = (REMAINING_REQUESTS, REMAINING_TOKENS, REMAINING_MONTH)


@pytest.fixture(scope="module")
def timeouts() -> Timeouts:
    """Short for a small body, longer for a large one."""
    return Timeouts(decision_seconds=0.5, counting_seconds=1.5)


def _count(body: bytes = b"{}", headers: Headers = ()) -> bytes:
    return request("POST", _PATH, [*bearer(), *headers], body)


@pytest.mark.parametrize("size", [1, 262_144, 262_145, BODY_BYTES_MAX])
def test_a_body_to_count_arrives_whole_at_authz_and_the_adapter(edge: Edge, size: int) -> None:
    """Both count the same."""
    body = b"x" * size
    assert exchange(edge.port, _count(body)).status == 200
    [check] = edge.authz.checks
    assert check.attributes
    assert check.attributes.request
    assert check.attributes.request.http
    assert check.attributes.request.http.path == _PATH
    assert check.attributes.request.http.raw_body == body
    assert [(each.path, each.body) for each in edge.adapter.received] == [(_PATH, body)]


def test_a_chunked_body_to_count_has_the_same_limit(edge: Edge) -> None:
    """By counting, where no length is declared."""
    head = request("POST", _PATH, [*bearer(), ("transfer-encoding", "chunked")])
    with connection(edge.port) as sock:
        sock.sendall(head + chunked(_pieces(BODY_BYTES_MAX + 1)))
        assert_is(read_answer(sock), errors.body_too_large(BODY_BYTES_MAX))
    assert_is(
        exchange(edge.port, _count(b"x" * (BODY_BYTES_MAX + 1))),
        errors.body_too_large(BODY_BYTES_MAX),
    )
    assert edge.authz.checks == []


def _pieces(size: int) -> list[bytes]:
    return [b"x" * min(2**20, size - start) for start in range(0, size, 2**20)]


def test_nothing_is_counted_without_authz(edge: Edge) -> None:
    """A key that is refused costs no tokeniser anything."""
    edge.authz.behaviour = deny(errors.incorrect_api_key())
    assert_is(exchange(edge.port, _count()), errors.incorrect_api_key())
    assert_is(exchange(edge.port, request("POST", _PATH, [], b"{}")), errors.missing_api_key())
    assert edge.adapter.received == []


def test_a_large_body_to_count_may_take_longer(edge: Edge) -> None:
    """And a small one may not."""

    def sleep(asked: object) -> object:
        time.sleep(0.8)
        return allow(asked)  # type: ignore[arg-type]

    edge.authz.behaviour = sleep  # type: ignore[assignment]
    assert exchange(edge.port, _count(b"x" * 300_000)).status == 200
    assert exchange(edge.port, _count()).status == 503


def test_what_is_left_is_told_by_authz_alone(edge: Edge) -> None:
    """A client that sends such headers itself tells the adapter nothing."""
    forged = [(name, "1000000") for name in _REMAINING]
    assert exchange(edge.port, _count(headers=forged)).json()["internal"] == ALLOWED_HEADERS
