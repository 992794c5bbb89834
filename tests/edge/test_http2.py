"""The same rules over HTTP/2, where headers are spelled and refused in other ways."""

import pytest

from contract import errors
from contract.limits import BODY_BYTES_MAX
from tests.edge.conftest import Edge
from tests.edge.doubles import ALLOWED_HEADERS
from tests.edge.http1 import KEY, Answer, assert_has_request_id, assert_is
from tests.edge.http2 import Reset, embeddings, exchange


def _answer(edge: Edge, headers: object, body: bytes = b"{}") -> Answer:
    answer = exchange(edge.port, headers, body)  # type: ignore[arg-type]
    assert isinstance(answer, Answer), answer
    return answer


def test_a_good_request_is_served(edge: Edge) -> None:
    """With its id, and only what authz said of it."""
    answer = _answer(edge, embeddings([("x-tessera-account", "forged"), ("x-request-id", "evil")]))
    assert answer.json()["internal"] == ALLOWED_HEADERS
    assert edge.adapter.received[0].headers["x-request-id"] == assert_has_request_id(answer)


def test_a_duplicate_authorization_header_is_refused(edge: Edge) -> None:
    """As over HTTP/1.1."""
    answer = _answer(edge, embeddings([("authorization", f"Bearer {KEY}")]))
    assert_is(answer, errors.incorrect_api_key())
    assert edge.authz.checks == []


@pytest.mark.parametrize("name", ["x_tessera_account", "authorization_", "X-Tessera-Account"])
def test_a_header_that_http2_forbids_or_we_do_ends_the_stream(edge: Edge, name: str) -> None:
    """Underscores and capitals: there is no request to answer."""
    assert isinstance(exchange(edge.port, embeddings([(name, "forged")]), b"{}"), Reset)
    assert (edge.authz.checks, edge.adapter.received) == ([], [])


@pytest.mark.parametrize("path", ["/v1%2fembeddings", "//v1/embeddings"])
def test_paths_are_normalised(edge: Edge, path: str) -> None:
    """As over HTTP/1.1."""
    assert _answer(edge, embeddings(path=path)).status == 200
    assert edge.adapter.received[0].path == "/v1/embeddings"


def test_a_body_up_to_the_limit_arrives_whole(edge: Edge) -> None:
    """Through windows of 64 KiB."""
    body = b"x" * BODY_BYTES_MAX
    assert _answer(edge, embeddings(), body).status == 200
    assert edge.adapter.received[0].body == body


def test_one_byte_above_the_limit_is_413(edge: Edge) -> None:
    """No length is declared, so it is counted."""
    answer = _answer(edge, embeddings(), b"x" * (BODY_BYTES_MAX + 1))
    assert_is(answer, errors.body_too_large(BODY_BYTES_MAX))
    assert edge.authz.checks == []


def test_two_lengths_of_one_body_end_the_stream(edge: Edge) -> None:
    """A declared length that is not the body's is no HTTP."""
    headers = embeddings([("content-length", "3")])
    answer = exchange(edge.port, headers, b"{}")
    assert isinstance(answer, Reset) or answer.status == 400
    assert edge.adapter.received == []
