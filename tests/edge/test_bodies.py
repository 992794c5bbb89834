"""Bodies: whole to authz and the adapter, up to a limit that is exact."""

import pytest

from contract import errors
from contract.limits import BODY_BYTES_MAX
from tests.edge.conftest import Edge
from tests.edge.http1 import (
    Answer,
    assert_is,
    bearer,
    chunked,
    connection,
    embeddings,
    exchange,
    read_answer,
    request,
)

_CHUNKED_HEAD = request("POST", "/v1/embeddings", [*bearer(), ("transfer-encoding", "chunked")])


def _send_chunked(edge: Edge, body: bytes) -> Answer:
    parts = [body[start : start + 2**20] for start in range(0, len(body), 2**20)]
    with connection(edge.port) as sock:
        sock.sendall(_CHUNKED_HEAD + chunked(parts))
        return read_answer(sock)


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145, BODY_BYTES_MAX])
def test_a_body_arrives_whole_at_authz_and_the_adapter(edge: Edge, size: int) -> None:
    """Both see the same bytes, which are not text to Envoy, up to and at the limit."""
    body = bytes(range(256)) * (size // 256) + b"\xff" * (size % 256)
    assert exchange(edge.port, embeddings(body)).status == 200
    assert _bodies_checked(edge) == [body]
    assert [each.body for each in edge.adapter.received] == [body]


@pytest.mark.parametrize("size", [1, 70_000, BODY_BYTES_MAX])
def test_a_chunked_body_without_length_arrives_whole(edge: Edge, size: int) -> None:
    """Chunks are only another way to send it."""
    body = b"x" * size
    assert _send_chunked(edge, body).status == 200
    assert _bodies_checked(edge) == [body]
    assert [each.body for each in edge.adapter.received] == [body]


def test_an_unknown_transfer_coding_is_the_clients_mistake(edge: Edge) -> None:
    """A 400, and not a failure of ours that SDKs would try again."""
    headers = [*bearer(), ("transfer-encoding", "gzip, chunked")]
    answer = exchange(edge.port, request("POST", "/v1/embeddings", headers) + chunked([b"{}"]))
    assert_is(answer, errors.bad_request())


def test_one_byte_above_the_limit_is_413(edge: Edge) -> None:
    """By its declared length, before it is read; no check is made."""
    answer = exchange(edge.port, embeddings(b"x" * (BODY_BYTES_MAX + 1)))
    assert_is(answer, errors.body_too_large(BODY_BYTES_MAX))
    assert edge.authz.checks == []


@pytest.mark.parametrize("excess", [1, 2**20])
def test_above_the_limit_in_chunks_is_413(edge: Edge, excess: int) -> None:
    """By counting, where no length is declared."""
    answer = _send_chunked(edge, b"x" * (BODY_BYTES_MAX + excess))
    assert_is(answer, errors.body_too_large(BODY_BYTES_MAX))
    assert edge.authz.checks == []


@pytest.mark.parametrize("key", [bearer()[0][1].removeprefix("Bearer "), "sk-wrong"])
def test_a_client_that_sends_all_before_it_reads_gets_its_refusal(edge: Edge, key: str) -> None:
    """The answer is not lost to a reset while the client is still sending."""
    answer = exchange(edge.port, embeddings(b"x" * (9 * 2**20), key=key))
    assert answer.status in {401, 413}
    assert edge.authz.checks == []


def _bodies_checked(edge: Edge) -> list[bytes]:
    return [
        check.attributes.request.http.raw_body
        for check in edge.authz.checks
        if check.attributes and check.attributes.request and check.attributes.request.http
    ]
