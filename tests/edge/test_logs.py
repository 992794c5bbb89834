"""What is written down, for people and for authz, and what never is."""

import json

import pytest
from envoy_data_plane.envoy.data.accesslog.v3 import HttpAccessLogEntry

from contract import errors
from contract.headers import SERVED_TOKENS
from tests.edge.conftest import Edge
from tests.edge.doubles import ALLOWED_HEADERS, deny
from tests.edge.http1 import KEY, assert_has_request_id, bearer, embeddings, exchange, request
from tests.waiting import wait_until


def _entries(edge: Edge) -> list[HttpAccessLogEntry]:
    return [
        entry
        for message in edge.authz.logged
        if message.http_logs is not None
        for entry in message.http_logs.log_entry
    ]


def _entry(edge: Edge, name: str) -> HttpAccessLogEntry:
    def found() -> list[HttpAccessLogEntry]:
        return [each for each in _entries(edge) if each.request and each.request.request_id == name]

    wait_until(lambda: bool(found()), lambda: str(_entries(edge)))
    return found()[0]


def test_authz_learns_how_a_request_has_ended(edge: Edge) -> None:
    """Whose it was, and its status, by the id that the check had."""
    edge.adapter.script.status = 500
    answer = exchange(edge.port, embeddings())
    entry = _entry(edge, assert_has_request_id(answer))
    assert entry.request is not None
    assert entry.response is not None
    assert entry.request.request_headers == ALLOWED_HEADERS
    assert entry.response.response_code == 500


def test_what_was_served_is_logged_and_not_told_to_the_client(edge: Edge) -> None:
    """However often the adapter says it, and whatever else it says."""
    edge.adapter.script.headers = {SERVED_TOKENS: "3", "x-other": "4"}
    answer = exchange(edge.port, embeddings())
    entry = _entry(edge, assert_has_request_id(answer))
    assert (answer.header(SERVED_TOKENS), answer.header("x-other")) == (None, "4")
    assert entry.common_properties is not None
    assert entry.common_properties.metadata is not None
    (told,) = entry.common_properties.metadata.filter_metadata.values()
    assert told.to_dict() == {SERVED_TOKENS: "3"}


def test_authz_is_not_told_what_a_client_forged(edge: Edge) -> None:
    """A malformed request keeps the client's headers, and is not reported to authz."""
    forged = [*ALLOWED_HEADERS.items(), ("x-request-id", "forged")]
    exchange(edge.port, request("GET", "/v1/models#x", [*bearer(), *forged]))
    exchange(edge.port, request("GET", "/nothing", forged))
    exchange(edge.port, embeddings(headers=forged, key="sk-x"))
    edge.authz.behaviour = deny(errors.incorrect_api_key())
    last = assert_has_request_id(exchange(edge.port, embeddings(headers=forged)))
    _entry(edge, last)
    entries = [each.request for each in _entries(edge) if each.request is not None]
    assert [each.request_id for each in entries] == [last]
    assert entries[0].request_headers == {}


def test_the_access_log_is_json_and_holds_no_secret(edge: Edge) -> None:
    """No key, no query, no body."""
    payload = request(
        "POST", "/v1/embeddings?api_key=query-secret", bearer(), b'{"input": "body-secret"}'
    )
    name = assert_has_request_id(exchange(edge.port, payload))
    wait_until(lambda: name in edge.access_log.read_text())
    text = edge.access_log.read_text()
    (line,) = [json.loads(each) for each in text.splitlines() if name in each]
    assert (line["path"], line["status"], line["route"]) == ("/v1/embeddings", 200, "embeddings")
    for secret in (KEY, "query-secret", "body-secret"):
        assert secret not in text


@pytest.mark.parametrize("header", ["user-agent", "x-stainless-retry-count"])
def test_a_client_cannot_forge_a_line(edge: Edge, header: str) -> None:
    """What it sends stays inside one JSON string."""
    evil = '"} \\" {"event": "forged"}'
    name = assert_has_request_id(exchange(edge.port, embeddings(headers=[(header, evil)])))
    wait_until(lambda: name in edge.access_log.read_text())
    events = [json.loads(each)["event"] for each in edge.access_log.read_text().splitlines()]
    assert set(events) == {"request.answered"}
