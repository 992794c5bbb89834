"""What Envoy names in the file of failures, by which authz refunds."""

import threading
import time
from collections.abc import Iterator

import pytest
from envoy_data_plane.envoy.service.auth.v3 import CheckRequest

from authz.domain.usage.failure import Failure
from authz.storage.failures_file import FailuresFile
from contract import errors
from edge.deployment import Timeouts
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckResponse
from tests.edge import http2
from tests.edge.conftest import Edge
from tests.edge.doubles import Script, allow, deny
from tests.edge.http1 import connection, embeddings, exchange
from tests.waiting import wait_until

_LONGER_THAN_ALL_BUFFERS = 30_000_000


@pytest.fixture(scope="module")
def timeouts() -> Timeouts:
    """Short enough to wait for."""
    return Timeouts(decision_seconds=0.5, upstream_seconds=0.5)


@pytest.fixture
def reported(edge: Edge) -> Iterator["Reported"]:
    """What is reported from now on."""
    yield Reported(edge)
    edge.adapter.reset()


class Reported:
    """The failures of one test."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._file = FailuresFile(edge.failures)
        self._position = self._file.end()
        self._found: list[Failure] = []

    def next(self) -> Failure:
        """Return the only failure that was reported since, once it is, by the id that authz got."""
        wait_until(self._read, lambda: str(self._found))
        (failure,) = self._found
        self._found = []
        assert failure.request_id == _checked_id(self._edge)
        return failure

    def is_nothing(self) -> bool:
        """Tell whether nothing was reported before the failure that is made now."""
        self._edge.authz.behaviour = allow
        self._edge.adapter.script = Script(status=500)
        exchange(self._edge.port, embeddings())
        return self.next().status == 500

    def _read(self) -> bool:
        new = self._file.read(self._position)
        if new is not None:
            self._found += new.found
            self._position = new.position
        return bool(self._found)


def _checked_id(edge: Edge) -> str:
    """Return the id that authz was told with the last check."""
    attributes = edge.authz.checks[-1].attributes
    assert attributes is not None
    assert attributes.request is not None
    assert attributes.request.http is not None
    return attributes.request.http.headers["x-request-id"]


def test_what_was_served_and_what_was_refused_is_not_named(edge: Edge, reported: Reported) -> None:
    """Of the first nothing is refunded, for the second nothing was charged."""
    assert exchange(edge.port, embeddings()).status == 200
    edge.authz.behaviour = deny(errors.incorrect_api_key())
    assert exchange(edge.port, embeddings()).status == 401
    assert exchange(edge.port, embeddings(key="sk-x")).status == 401
    assert reported.is_nothing()


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_error_of_the_adapters_is_named(edge: Edge, reported: Reported, status: int) -> None:
    """It was sent there."""
    edge.adapter.script = Script(status=status)
    exchange(edge.port, embeddings())
    failure = reported.next()
    assert (failure.status, failure.was_sent, failure.is_refunded) == (status, True, True)


@pytest.mark.parametrize("script", [Script(hang_up=True), Script(hang=True)], ids=["cut", "silent"])
def test_an_adapter_that_gives_no_answer_is_named(
    edge: Edge, reported: Reported, script: Script
) -> None:
    """It was sent there, and is refunded."""
    edge.adapter.script = script
    exchange(edge.port, embeddings())
    failure = reported.next()
    assert failure.status in (503, 504)
    assert failure.was_sent
    assert failure.is_refunded


def test_an_adapter_that_is_down_was_sent_nothing(edge: Edge, reported: Reported) -> None:
    """Although Envoy tried, more than once."""
    edge.adapter.stop()
    try:
        exchange(edge.port, embeddings())
        failure = reported.next()
    finally:
        edge.adapter.start()
    assert (failure.status, failure.was_sent, failure.is_refunded) == (503, False, True)


def test_an_answer_that_is_cut_is_refunded(edge: Edge, reported: Reported) -> None:
    """It began with 200, and the adapter did not end it."""
    edge.adapter.script = Script(cut=True)
    with connection(edge.port) as client:
        client.sendall(embeddings())
        assert client.recv(12) == b"HTTP/1.1 200"
        failure = reported.next()
    assert failure.status == 200
    assert failure.is_refunded


def test_a_client_that_leaves_while_the_model_works_pays(edge: Edge, reported: Reported) -> None:
    """Its request was sent."""
    edge.adapter.script = Script(hang=True)
    with connection(edge.port) as client:
        client.sendall(embeddings())
        wait_until(lambda: bool(edge.adapter.received))
    failure = reported.next()
    assert (failure.status, failure.was_sent, failure.is_refunded) == (0, True, False)


def test_a_client_that_breaks_the_protocol_while_the_model_works_pays(
    edge: Edge, reported: Reported
) -> None:
    """It is another way to leave."""
    edge.adapter.script = Script(hang=True)
    with connection(edge.port) as client:
        client.sendall(http2.opening(http2.embeddings()))
        wait_until(lambda: bool(edge.adapter.received))
        client.sendall(http2.NONSENSE)
        failure = reported.next()
    assert (failure.status, failure.was_sent, failure.is_refunded) == (0, True, False)


def test_a_client_that_does_not_read_to_the_end_pays(edge: Edge, reported: Reported) -> None:
    """Else all but the last of a long answer would be free of charge."""
    edge.adapter.script = Script(body=bytes(_LONGER_THAN_ALL_BUFFERS))
    with connection(edge.port) as client:
        client.sendall(embeddings())
        failure = reported.next()
    assert (failure.status, failure.flags, failure.is_refunded) == (200, {"UT"}, False)


def test_a_client_that_leaves_before_the_verdict_does_not(edge: Edge, reported: Reported) -> None:
    """Nothing was sent."""
    has_left = threading.Event()

    def wait(request: CheckRequest) -> CheckResponse:
        has_left.wait(5)
        return allow(request)

    edge.authz.behaviour = wait
    with connection(edge.port) as client:
        client.sendall(embeddings())
        wait_until(lambda: bool(edge.authz.checks))
    failure = reported.next()
    has_left.set()
    assert (failure.status, failure.was_sent, failure.is_refunded) == (0, False, True)


def test_a_verdict_that_never_came_is_named(edge: Edge, reported: Reported) -> None:
    """Authz may have charged for it, and was too slow, or broke."""

    def sleep(request: CheckRequest) -> CheckResponse:
        time.sleep(0.8)
        return allow(request)

    edge.authz.behaviour = sleep
    assert exchange(edge.port, embeddings()).status == 503
    failure = reported.next()
    assert (failure.status, failure.was_sent, failure.is_refunded) == (503, False, True)
    assert failure.flags == {"UAEX"}
