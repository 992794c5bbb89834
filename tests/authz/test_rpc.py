"""Between Envoy's words and ours."""

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry

from authz.domain.directory import AccountId, KeyId
from authz.domain.quota.outcome import Standing, Standings
from authz.domain.traffic import Traffic
from authz.domain.undecided import UndecidedError
from authz.domain.verdict import Allowed, Denied, Reason
from authz.rpc.access_log import AccessLogServicer
from authz.rpc.check_request import to_question
from authz.rpc.check_response import to_response
from authz.rpc.durations import format_duration
from authz.rpc.failures import ANSWERS
from authz.service.count_traffic import TrafficCounter
from authz.service.write_later import LateWriter
from contract import errors
from contract.errors import Rate
from proto.tessera.envoy.v1.access_log_pb2 import HttpAccessLogEntry, StreamAccessLogsMessage
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest, CheckResponse, HeaderValueOption

_STANDING = Standings(Standing(3000, 2999, 20_000), Standing(250_000, 249_977, 5_520))


def _values(options: "list[HeaderValueOption]") -> dict[str, str]:
    assert all(
        option.append_action == HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD for option in options
    )
    return {option.header.key: option.header.value for option in options}


def test_a_question_is_taken_out_of_envoys_message() -> None:
    """A header that was not sent is nothing, and not an empty key."""
    request = CheckRequest()
    http = request.attributes.request.http
    http.method, http.path, http.raw_body = "POST", "/v1/embeddings", b"x"
    assert to_question(request).authorization is None
    http.headers["authorization"] = "Bearer y"
    question = to_question(request)
    assert (question.method, question.path) == ("POST", "/v1/embeddings")
    assert (question.authorization, question.body) == ("Bearer y", b"x")
    assert question.client_address is None
    http.headers["x-tessera-client-address"] = "192.0.2.1"
    http.headers["x-request-id"] = "req_1"
    question = to_question(request)
    assert (question.client_address, question.request_id) == ("192.0.2.1", "req_1")


@pytest.mark.parametrize(
    ("told", "count"), [(None, 0), ("2", 2), ("", 0), ("-1", 0), ("x", 0), ("9" * 5000, 0)]
)
def test_an_attempt_is_what_an_sdk_tells_if_it_is_a_number(told: str | None, count: int) -> None:
    """A client may tell anything, and nothing that it tells fails a check."""
    request = CheckRequest()
    if told is not None:
        request.attributes.request.http.headers["x-stainless-retry-count"] = told
    assert to_question(request).retry_count == count


def test_a_question_shows_neither_key_nor_body() -> None:
    """In a traceback or a log line."""
    request = CheckRequest()
    request.attributes.request.http.headers["authorization"] = "Bearer secret"
    request.attributes.request.http.raw_body = b"private"
    shown = repr(to_question(request))
    assert "secret" not in shown
    assert "private" not in shown


def test_allowed_tells_upstream_who_and_the_client_how_much() -> None:
    """Each its own headers, each set and never appended to what a client sent."""
    verdict = Allowed(AccountId(UUID(int=1)), KeyId(UUID(int=2)), 44, _STANDING, minute=29)
    response = CheckResponse.FromString(to_response(verdict))
    assert response.status.code == 0
    assert _values(list(response.ok_response.headers)) == {
        "x-tessera-account": str(UUID(int=1)),
        "x-tessera-key": str(UUID(int=2)),
        "x-tessera-tokens": "44",
        "x-tessera-minute": "29",
    }
    assert _values(list(response.ok_response.response_headers_to_add)) == {
        "x-ratelimit-limit-requests": "3000",
        "x-ratelimit-limit-tokens": "250000",
        "x-ratelimit-remaining-requests": "2999",
        "x-ratelimit-remaining-tokens": "249977",
        "x-ratelimit-reset-requests": "20ms",
        "x-ratelimit-reset-tokens": "6ms",
    }


def test_what_is_left_is_told_upstream_where_it_was_asked_for() -> None:
    """And there is nothing to charge or to compare."""
    verdict = Allowed(AccountId(UUID(int=1)), KeyId(UUID(int=2)), None, _STANDING, month_left=0)
    response = CheckResponse.FromString(to_response(verdict))
    assert _values(list(response.ok_response.headers)) == {
        "x-tessera-account": str(UUID(int=1)),
        "x-tessera-key": str(UUID(int=2)),
        "x-tessera-remaining-requests": "2999",
        "x-tessera-remaining-tokens": "249977",
        "x-tessera-remaining-month": "0",
    }
    assert len(response.ok_response.response_headers_to_add) == 6


def test_denied_is_the_catalogues_error_whole() -> None:
    """Status, headers and body, byte by byte."""
    error = errors.request_rate_exceeded(Rate("m", "a", 3, 3, 1), timedelta(seconds=20))
    standing = Standings(Standing(3, 0, 60_000_000), Standing(9, 9, 0))
    response = CheckResponse.FromString(
        to_response(Denied(Reason.TOO_MANY_REQUESTS, error, standing))
    )
    denied = response.denied_response
    assert response.status.code != 0
    assert denied.status.code == 429
    assert denied.body.encode() == error.body()
    assert _values(list(denied.headers)) == error.headers() | {
        "x-ratelimit-limit-requests": "3",
        "x-ratelimit-limit-tokens": "9",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-remaining-tokens": "9",
        "x-ratelimit-reset-requests": "1m0s",
        "x-ratelimit-reset-tokens": "0s",
    }


_ENDS = datetime(2027, 1, 31, 13, 0, 59, 999_999, timezone(timedelta(hours=1)))
_EXPIRES = {"x-tessera-key-expires": "2027-01-31T12:00:59Z"}


def test_a_keys_end_is_told_to_the_client_alone() -> None:
    """In UTC, to the second, and never later than it is."""
    allowed = Allowed(AccountId(UUID(int=1)), KeyId(UUID(int=2)), key_expires_at=_ENDS)
    ok = CheckResponse.FromString(to_response(allowed)).ok_response
    assert _values(list(ok.response_headers_to_add)) == _EXPIRES
    assert not set(_EXPIRES) & set(_values(list(ok.headers)))
    error = errors.invalid_json()
    denied = CheckResponse.FromString(
        to_response(Denied(Reason.INVALID_REQUEST, error, key_expires_at=_ENDS))
    )
    assert _values(list(denied.denied_response.headers)) == error.headers() | _EXPIRES


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (20_000, "20ms"),
        (20_001, "21ms"),
        (1_000_000, "1s"),
        (1_500_000, "1.5s"),
        (360_000_000, "6m0s"),
        (3_602_000_000, "1h0m2s"),
    ],
)
def test_durations_are_written_as_go_writes_them(microseconds: int, text: str) -> None:
    """The SDKs' users parse these."""
    assert format_duration(microseconds) == text


def _all_subclasses(kind: type[UndecidedError]) -> Iterator[type[UndecidedError]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _all_subclasses(subclass)


def test_the_table_of_errors_is_total() -> None:
    """Every way of being undecided is a 503 that asks for a retry and blames no key."""
    assert set(_all_subclasses(UndecidedError)) == set(ANSWERS)
    for answer in ANSWERS.values():
        error = answer(timedelta(seconds=1))
        assert error.status == 503
        assert error.headers()["retry-after-ms"] == "1000"
        assert "key" not in error.message.lower()


async def _nowhere(_: Mapping[datetime, Traffic]) -> None: ...


async def _count(*entries: HttpAccessLogEntry) -> CollectorRegistry:
    registry = CollectorRegistry()
    message = StreamAccessLogsMessage()
    message.http_logs.log_entry.extend(entries)

    async def messages() -> AsyncIterator[StreamAccessLogsMessage]:
        yield message

    traffic = TrafficCounter(LateWriter("traffic", _nowhere, 1, lambda: 1.0), lambda: _ENDS)
    servicer = AccessLogServicer(registry, traffic)
    await servicer.stream_access_logs(messages(), None)  # type: ignore[arg-type]
    return registry


def _entry(route: str, status: int | None, *, left: bool = False) -> HttpAccessLogEntry:
    entry = HttpAccessLogEntry()
    entry.common_properties.route_name = route
    entry.common_properties.duration.FromTimedelta(timedelta(milliseconds=250))
    if status is not None:
        entry.response.response_code.value = status
    if left:
        entry.common_properties.response_flags.downstream_connection_termination = True
    return entry


async def test_outcomes_are_counted_by_route_status_and_failure() -> None:
    """A client that left has no status, and a flag that says so."""
    registry = await _count(
        _entry("embeddings", 200), _entry("embeddings", 200), _entry("embeddings", None, left=True)
    )
    name, route = "authz_responses_total", {"route": "embeddings"}
    assert registry.get_sample_value(name, route | {"status": "200", "flag": "none"}) == 2
    left = {"status": "0", "flag": "downstream_connection_termination"}
    assert registry.get_sample_value(name, route | left) == 1
    assert registry.get_sample_value("authz_response_seconds_sum", route) == 0.75


async def test_labels_are_bounded() -> None:
    """No stream, however long or strange, makes metrics without end."""
    registry = await _count(*(_entry(f"route{n}", 100_000 + n) for n in range(200)))
    [family] = [one for one in registry.collect() if one.name == "authz_responses"]
    labels = {tuple(sample.labels.values()) for sample in family.samples}
    assert len(labels) <= 33
