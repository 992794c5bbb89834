"""The catalogue of errors, as the official SDKs read them."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import errors
from contract.errors import ApiError, Rate

SECOND = timedelta(seconds=1)

CATALOGUE = [
    (errors.missing_api_key(), 401, "invalid_request_error", None, None),
    (errors.incorrect_api_key("sk-****"), 401, "invalid_request_error", None, "invalid_api_key"),
    (errors.tier_not_entitled("x", "t"), 403, "invalid_request_error", None, "tier_not_entitled"),
    (errors.key_not_scoped("x"), 403, "invalid_request_error", None, "key_not_scoped"),
    (errors.account_suspended(), 403, "invalid_request_error", None, "account_suspended"),
    (
        errors.ip_not_authorized("192.0.2.1"),
        *(403, "invalid_request_error", None, "ip_not_authorized"),
    ),
    (errors.unknown_url(), 404, "invalid_request_error", None, None),
    (errors.method_not_allowed("POST"), 405, "invalid_request_error", None, None),
    (errors.invalid_json(), 400, "invalid_request_error", None, None),
    (errors.body_too_large(2**23), 413, "invalid_request_error", None, "request_too_large"),
    (errors.headers_too_large(), 431, "invalid_request_error", None, None),
    (errors.bad_request(), 400, "invalid_request_error", None, None),
    (errors.request_timeout(), 408, "invalid_request_error", None, None),
    (errors.missing_parameter("input"), 400, "invalid_request_error", "input", None),
    (errors.invalid_parameter("input", "x"), 400, "invalid_request_error", "input", None),
    (errors.model_not_found("x"), 404, "invalid_request_error", "model", "model_not_found"),
    (errors.context_length_exceeded(9, 10, 0), 400, "invalid_request_error", "input", None),
    (
        errors.max_tokens_per_request(9, 8),
        *(400, "max_tokens_per_request", "input", "max_tokens_per_request"),
    ),
    (
        errors.request_rate_exceeded(Rate("m", "a", 3, 3, 1), 20 * SECOND),
        *(429, "requests", None, "rate_limit_exceeded"),
    ),
    (
        errors.token_rate_exceeded(Rate("m", "a", 9, 5, 5), SECOND),
        *(429, "tokens", None, "rate_limit_exceeded"),
    ),
    (
        errors.request_too_large(Rate("m", "a", 9, 0, 10)),
        *(429, "tokens", None, "rate_limit_exceeded"),
    ),
    (errors.quota_exceeded(), 429, "insufficient_quota", None, "insufficient_quota"),
    (errors.overloaded(SECOND), 503, "server_error", None, "overloaded"),
    (errors.unavailable(SECOND), 503, "server_error", None, "unavailable"),
    (errors.upstream_timeout(), 504, "server_error", None, "timeout"),
    (errors.internal(), 500, "server_error", None, "internal_error"),
]


@pytest.mark.parametrize(("error", "status", "type_", "param", "code"), CATALOGUE)
def test_each_error_has_openais_status_type_param_and_code(
    error: ApiError, status: int, type_: str, param: str | None, code: str | None
) -> None:
    """The SDKs choose their exception and their retry from these four."""
    fields = json.loads(error.body())["error"]
    assert (error.status, fields["type"], fields["param"], fields["code"]) == (
        *(status, type_, param, code),
    )


@pytest.mark.parametrize("error", [row[0] for row in CATALOGUE])
def test_each_body_has_exactly_openais_four_fields(error: ApiError) -> None:
    """Clients that parse strictly can parse every one, and each says something."""
    body = json.loads(error.body())
    assert list(body) == ["error"]
    assert list(body["error"]) == ["message", "type", "param", "code"]
    assert body["error"]["message"]


def test_a_rate_limits_message_is_openais() -> None:
    """Clients that parse the wait out of the text find it where OpenAI puts it."""
    error = errors.request_rate_exceeded(Rate("m", "acct", 3, 3, 1), 20 * SECOND)
    assert error.message == (
        "Rate limit reached for m in account acct on requests per min (RPM): "
        "Limit 3, Used 3, Requested 1. Please try again in 20s."
    )
    rate = Rate("m", "acct", 1_000_000, 976_163, 70_716)
    error = errors.token_rate_exceeded(rate, timedelta(microseconds=2_811_001))
    assert error.message == (
        "Rate limit reached for m in account acct on tokens per min (TPM): "
        "Limit 1000000, Used 976163, Requested 70716. Please try again in 2.812s."
    )


def test_a_limit_of_the_keys_own_is_named_so() -> None:
    """Or its account's owner looks for the limit in vain."""
    error = errors.request_rate_exceeded(Rate("m", "acct", 3, 3, 1, is_of_key=True), SECOND)
    assert "for m in account acct on this key's requests per min (RPM): Limit 3" in error.message


@pytest.mark.parametrize(
    "error", [errors.quota_exceeded(), errors.request_too_large(Rate("m", "a", 9, 0, 10))]
)
def test_what_waiting_does_not_mend_forbids_the_retry(error: ApiError) -> None:
    """The SDKs retry every 429 that does not say so."""
    assert error.headers() == {"content-type": "application/json", "x-should-retry": "false"}


@given(st.text(st.characters(exclude_categories=[])), st.text(st.characters(exclude_categories=[])))
def test_a_body_is_json_in_utf8_whatever_the_client_sent(text: str, other: str) -> None:
    """A model's name or a key with quotes, control characters or broken Unicode breaks nothing."""
    for error in (errors.model_not_found(text), errors.incorrect_api_key(other)):
        assert json.loads(error.body())["error"]["code"] == error.code


def test_a_huge_model_name_is_not_repeated_whole() -> None:
    """A body of megabytes cannot be turned into an answer of megabytes."""
    assert len(errors.model_not_found("x" * 8_000_000).body()) < 1000


@given(st.timedeltas(timedelta(microseconds=1), timedelta(seconds=60)))
def test_a_short_wait_is_told_in_both_headers_and_is_never_zero(wait: timedelta) -> None:
    """Both SDKs obey it, and a client that does comes back neither early nor at once."""
    headers = errors.overloaded(wait).headers()
    milliseconds, seconds = int(headers["retry-after-ms"]), int(headers["retry-after"])
    assert timedelta(milliseconds=milliseconds) >= wait
    assert seconds >= 1
    assert timedelta(seconds=seconds) >= wait
    assert "x-should-retry" not in headers


@given(st.timedeltas(timedelta(seconds=61), timedelta(days=60)))
def test_a_wait_that_the_sdks_would_not_obey_forbids_the_retry(wait: timedelta) -> None:
    """The Node SDK ignores a wait over a minute and hammers, so it is told not to retry."""
    headers = errors.overloaded(wait).headers()
    assert headers["x-should-retry"] == "false"
    assert "retry-after" not in headers


@given(st.timedeltas(timedelta(days=-1), timedelta(0)))
def test_a_wait_that_has_passed_is_still_not_zero(wait: timedelta) -> None:
    """Clocks and rounding never make a client retry without any pause."""
    assert errors.overloaded(wait).headers()["retry-after-ms"] == "1"


def test_an_error_without_a_wait_names_none() -> None:
    """Only answers that waiting can mend say so."""
    assert errors.invalid_json().headers() == {"content-type": "application/json"}
