"""What authz says goes; what it does not say is a no that blames nobody's key."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from contract import errors
from contract.errors import ApiError, Rate
from contract.headers import KEY_EXPIRES
from edge.deployment import Timeouts
from tests.edge.conftest import Edge
from tests.edge.doubles import allow, allow_adding, deny
from tests.edge.http1 import assert_is, assert_is_retryable, bearer, embeddings, exchange, request
from tests.waiting import wait_until

_DENIALS = [
    errors.incorrect_api_key("sk-tess****…aaaa"),
    errors.tier_not_entitled("the model `x`", "trial"),
    errors.model_not_found("x"),
    errors.context_length_exceeded(512, 513, 7),
    errors.body_too_large(1),
    errors.request_rate_exceeded(Rate("m", "a", 3, 3, 1), timedelta(seconds=20)),
    errors.token_rate_exceeded(Rate("m", "a", 3, 3, 1), timedelta(days=3)),
    errors.request_too_large(Rate("m", "a", 3, 0, 4)),
    errors.quota_exceeded(),
    errors.unavailable(timedelta(milliseconds=123)),
    errors.internal(),
]


@pytest.fixture(scope="module")
def timeouts() -> Timeouts:
    """Short for a small body, longer for a large one."""
    return Timeouts(decision_seconds=0.5, counting_seconds=1.5)


@pytest.fixture
def edge_with_authz_down(edge: Edge) -> Iterator[Edge]:
    """Envoy, and nobody at either socket of authz."""
    edge.authz.stop()
    yield edge
    edge.authz.start()
    wait_until(lambda: exchange(edge.port, embeddings()).status == 200)


@pytest.fixture
def edge_with_two_authz(edge: Edge) -> Iterator[Edge]:
    """Envoy, and two processes of authz that both have answered."""
    edge.spare_authz.start()
    wait_until(lambda: exchange(edge.port, embeddings()).status == 200 and _both_asked(edge))
    yield edge
    edge.spare_authz.stop()
    edge.authz.start()
    wait_until(lambda: exchange(edge.port, embeddings()).status == 200)


def _both_asked(edge: Edge) -> bool:
    return bool(edge.authz.checks and edge.spare_authz.checks)


@pytest.mark.parametrize("error", _DENIALS, ids=lambda error: f"{error.status}-{error.code}")
def test_a_denial_passes_unchanged(edge: Edge, error: ApiError) -> None:
    """Even with a status that Envoy answers its own failures with."""
    edge.authz.behaviour = deny(error)
    assert_is(exchange(edge.port, embeddings()), error)
    assert edge.adapter.received == []


def test_what_authz_adds_to_a_response_reaches_the_client(edge: Edge) -> None:
    """The rate limit's state is told with each answer."""
    answer = exchange(edge.port, embeddings())
    assert answer.header("x-ratelimit-limit-requests") == "60"


def test_a_keys_end_reaches_the_client(edge: Edge) -> None:
    """With what is allowed and with what is not; only a client's own such header is dropped."""
    end = {KEY_EXPIRES: "2027-01-31T12:00:00Z"}
    for behaviour in (allow_adding(end), deny(errors.invalid_json(), end)):
        edge.authz.behaviour = behaviour
        answer = exchange(edge.port, embeddings(headers=[(KEY_EXPIRES, "forged")]))
        assert answer.header(KEY_EXPIRES) == end[KEY_EXPIRES]


def test_models_are_authorised_too(edge: Edge) -> None:
    """No route to the adapter goes around authz."""
    edge.authz.behaviour = deny(errors.incorrect_api_key())
    for path in ("/v1/models", "/v1/models/a%2Fb"):
        answer = exchange(edge.port, request("GET", path, bearer()))
        assert_is(answer, errors.incorrect_api_key())


def test_authz_that_is_silent_is_503(edge: Edge) -> None:
    """A timeout in the middle of a decision denies, quickly, and says when to try again."""

    def sleep(request: object) -> object:
        time.sleep(1)
        return allow(request)  # type: ignore[arg-type]

    edge.authz.behaviour = sleep  # type: ignore[assignment]
    assert_is_retryable(exchange(edge.port, embeddings()), errors.unavailable)
    assert edge.adapter.received == []


def test_a_large_body_may_take_longer_to_count(edge: Edge) -> None:
    """What would be too slow for a short text is in time for a long one."""

    def sleep(request: object) -> object:
        time.sleep(0.8)
        return allow(request)  # type: ignore[arg-type]

    edge.authz.behaviour = sleep  # type: ignore[assignment]
    assert exchange(edge.port, embeddings(b"x" * 300_000)).status == 200


def test_authz_that_breaks_is_503(edge: Edge) -> None:
    """An exception is not a decision."""

    def fail(_: object) -> object:
        raise RuntimeError("on purpose")

    edge.authz.behaviour = fail  # type: ignore[assignment]
    assert_is_retryable(exchange(edge.port, embeddings()), errors.unavailable)
    assert edge.adapter.received == []


def test_authz_that_is_down_is_503(edge_with_authz_down: Edge) -> None:
    """Never 401 or 403, and never an entry."""
    for _ in range(3):
        answer = exchange(edge_with_authz_down.port, embeddings())
        assert_is_retryable(answer, errors.unavailable)
    assert edge_with_authz_down.adapter.received == []


def test_refusals_of_envoys_own_need_no_authz(edge_with_authz_down: Edge) -> None:
    """A bad key is told so whoever is down."""
    answer = exchange(edge_with_authz_down.port, embeddings(key="sk-x"))
    assert_is(answer, errors.incorrect_api_key())


def test_waits_are_spread(edge_with_authz_down: Edge) -> None:
    """The clients of one failure do not all come back in the same moment."""
    port = edge_with_authz_down.port
    waits = {exchange(port, embeddings()).header("retry-after-ms") for _ in range(60)}
    assert len(waits) > 1


def test_a_dead_authz_process_is_soon_left_out(edge_with_two_authz: Edge) -> None:
    """The few checks that still go to it are refused at once; then all go to the other."""
    port = edge_with_two_authz.port
    edge_with_two_authz.authz.stop()

    def all_are_served() -> bool:
        answers = [exchange(port, embeddings()) for _ in range(20)]
        for refused in (each for each in answers if each.status != 200):
            assert_is_retryable(refused, errors.unavailable)
        return {each.status for each in answers} == {200}

    wait_until(all_are_served, timeout_seconds=10)
