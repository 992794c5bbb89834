"""The catalogue of every error the public API can answer.

Envoy's configuration, authz and the adapter all take their bodies from here, so one mistake reads
the same wherever it is found. Statuses, types, codes and messages follow OpenAI's where OpenAI has
one, because the official SDKs choose their exception and their retry from them.
"""

import json
import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

ErrorType = Literal[
    "invalid_request_error",
    "max_tokens_per_request",
    "requests",
    "tokens",
    "insufficient_quota",
    "server_error",
]

_ECHO_LENGTH_MAX = 200
"""Characters of a client's own text that a message repeats."""

_RETRYABLE_WAIT_MAX = timedelta(seconds=60)
"""The Node SDK ignores a longer delay and hammers instead, so beyond it we forbid the retry."""


@dataclass(frozen=True, slots=True)
class ApiError:
    """One answer that is not a success.

    `retry_after` is the exact wait after which the same request can succeed, where that is known.
    One that `is_final` is not worth being repeated, though its status is one that the SDKs retry.
    """

    status: int
    message: str
    type: ErrorType = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    retry_after: timedelta | None = None
    is_final: bool = False

    def body(self) -> bytes:
        """Return the JSON body, as OpenAI shapes it."""
        fields = {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        text = json.dumps({"error": fields}, ensure_ascii=False, separators=(",", ":"))
        return text.encode(errors="replace")  # a client's header may hold what is not Unicode

    def headers(self) -> dict[str, str]:
        """Return the headers that go with the body: its media type, and what the SDKs retry on."""
        headers = {"content-type": "application/json"}
        if self.is_final:
            return headers | {"x-should-retry": "false"}
        if self.retry_after is None:
            return headers
        if self.retry_after > _RETRYABLE_WAIT_MAX:
            return headers | {"x-should-retry": "false"}
        milliseconds = max(1, math.ceil(self.retry_after / timedelta(milliseconds=1)))
        return headers | {
            "retry-after-ms": str(milliseconds),
            "retry-after": str(math.ceil(milliseconds / 1000)),
        }


# ---- who is calling ----


def missing_api_key() -> ApiError:
    """No usable `Authorization: Bearer` header was sent."""
    return ApiError(
        status=401,
        message=(
            "You didn't provide an API key. You need to provide your API key in an Authorization "
            "header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        ),
    )


def incorrect_api_key(masked: str | None = None) -> ApiError:
    """The key is malformed, unknown, revoked or expired; `masked` is all of it that is shown."""
    shown = f": {masked}" if masked else ""
    return ApiError(
        status=401,
        message=f"Incorrect API key provided{shown}. Check the Authorization: Bearer header.",
        code="invalid_api_key",
    )


def tier_not_entitled(what: str, tier: str) -> ApiError:
    """The key is good, but its account's tier does not cover the endpoint or model."""
    return ApiError(
        status=403,
        message=f"Your tier '{tier}' does not cover {what}. Please contact support to change it.",
        code="tier_not_entitled",
    )


def key_not_scoped(what: str) -> ApiError:
    """The key is good, but it was made for less than its account's tier covers."""
    return ApiError(
        status=403,
        message=f"This API key may not call {what}. Use a key that was made for it.",
        code="key_not_scoped",
    )


def account_suspended() -> ApiError:
    """The key is good, but its account is suspended."""
    return ApiError(
        status=403,
        message="This account is suspended. Please contact support.",
        code="account_suspended",
    )


def ip_not_authorized(address: str | None) -> ApiError:
    """The key is good, but not from this address; the networks it is good from are not told."""
    seen = f"the IP address {address}" if address else "an IP address that could not be told"
    return ApiError(
        status=403,
        message=(
            f"Your request came from {seen}, and this API key may not be used from there. Call "
            "from one of the key's allowed networks, or ask whoever made the key to allow yours."
        ),
        code="ip_not_authorized",
    )


# ---- what is asked ----


def unknown_url() -> ApiError:
    """Nothing is served at this path."""
    return ApiError(status=404, message="Invalid URL. See the API reference for what is served.")


def method_not_allowed(allowed: str) -> ApiError:
    """The path exists, but not for this method."""
    return ApiError(status=405, message=f"Method not allowed; use {allowed}.")


def invalid_json() -> ApiError:
    """The body is not JSON in UTF-8."""
    return ApiError(
        status=400,
        message="We could not parse the JSON body of your request. It must be an object in UTF-8.",
    )


def body_too_large(bytes_max: int) -> ApiError:
    """The body is longer than the edge accepts."""
    mebibytes = bytes_max // 2**20
    return ApiError(
        status=413,
        message=f"The request body is larger than the maximum of {mebibytes} MiB.",
        code="request_too_large",
    )


def headers_too_large() -> ApiError:
    """The header block is longer than the edge accepts."""
    return ApiError(status=431, message="The request headers are too large.")


def bad_request() -> ApiError:
    """The edge could not make sense of the HTTP itself."""
    return ApiError(status=400, message="The request is not valid HTTP for this endpoint.")


def request_timeout() -> ApiError:
    """The client sent its request too slowly."""
    return ApiError(status=408, message="The request was not received in time. Please try again.")


def missing_parameter(param: str) -> ApiError:
    """A required parameter is absent."""
    return ApiError(status=400, message=f"Missing required parameter: '{param}'.", param=param)


def invalid_parameter(param: str, message: str) -> ApiError:
    """A parameter has the wrong type or value."""
    return ApiError(status=400, message=f"{message} - '{param}'", param=param)


def endless_word(index: int, characters_max: int) -> ApiError:
    """A text has a run of letters, of spaces or of marks that is no language."""
    return ApiError(
        status=400,
        message=(
            f"Input {index} has a run of over {characters_max:,} letters, spaces or punctuation "
            "marks without anything between; check that it is text - 'input'"
        ),
        param="input",
    )


def model_not_found(model: str) -> ApiError:
    """No such model is served."""
    return ApiError(
        status=404,
        message=f"The model `{_shorten(model)}` does not exist or you do not have access to it.",
        param="model",
        code="model_not_found",
    )


def context_length_exceeded(
    context_tokens: int, requested: int, index: int, *, at_least: bool = False
) -> ApiError:
    """One input, at `index`, is longer than the model's context; `at_least`: nobody counted on."""
    return ApiError(
        status=400,
        message=(
            f"This model's maximum context length is {context_tokens} tokens, however you "
            f"requested {_count(requested, at_least)} tokens in input {index}. "
            "Please reduce your prompt."
        ),
        param="input",
    )


def max_tokens_per_request(requested: int, tokens_max: int, *, at_least: bool = False) -> ApiError:
    """The inputs together hold more tokens than one request may; `at_least`: nobody counted on."""
    return ApiError(
        status=400,
        message=(
            f"Requested {_count(requested, at_least)} tokens, max {tokens_max} tokens per request"
        ),
        type="max_tokens_per_request",
        param="input",
        code="max_tokens_per_request",
    )


# ---- how much ----


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit per minute, of `account` or of the one key alone, and how it stands."""

    model: str
    account: str
    limit: int
    used: int
    requested: int
    is_of_key: bool = False

    def name(self, what: str) -> str:
        """Return what the limit is called in messages."""
        whose = "this key's " if self.is_of_key else ""
        return f"{self.model} in account {self.account} on {whose}{what}"


def request_rate_exceeded(rate: Rate, retry_after: timedelta) -> ApiError:
    """The requests per minute are used up; `retry_after` is when one more fits."""
    return ApiError(
        status=429,
        message=_rate_reached(rate, "requests per min (RPM)", retry_after),
        type="requests",
        code="rate_limit_exceeded",
        retry_after=retry_after,
    )


def token_rate_exceeded(rate: Rate, retry_after: timedelta) -> ApiError:
    """The tokens per minute are used up; `retry_after` is when so many fit."""
    return ApiError(
        status=429,
        message=_rate_reached(rate, "tokens per min (TPM)", retry_after),
        type="tokens",
        code="rate_limit_exceeded",
        retry_after=retry_after,
    )


def request_too_large(rate: Rate) -> ApiError:
    """One request asks for more tokens than a whole minute allows: it will never fit."""
    return ApiError(
        status=429,
        message=(
            f"Request too large for {rate.name('tokens per min (TPM)')}: "
            f"Limit {rate.limit}, Requested {rate.requested}. Send fewer inputs at a time."
        ),
        type="tokens",
        code="rate_limit_exceeded",
        is_final=True,
    )


def quota_exceeded() -> ApiError:
    """The month's tokens are spent; that they come back with the next is no reason to retry."""
    return ApiError(
        status=429,
        message="You exceeded your current quota, please check your plan and billing details.",
        type="insufficient_quota",
        code="insufficient_quota",
        is_final=True,
    )


# ---- our side ----


def overloaded(retry_after: timedelta) -> ApiError:
    """More is queued than can be served in time."""
    return ApiError(
        status=503,
        message="The server is overloaded. Please try again shortly.",
        type="server_error",
        code="overloaded",
        retry_after=retry_after,
    )


def unavailable(retry_after: timedelta) -> ApiError:
    """Something that answering needs is down; the key is not to blame."""
    return ApiError(
        status=503,
        message="The service is temporarily unavailable. Please try again shortly.",
        type="server_error",
        code="unavailable",
        retry_after=retry_after,
    )


def upstream_timeout() -> ApiError:
    """The model did not answer within the deadline."""
    return ApiError(
        status=504,
        message="The model did not answer in time. Please try again.",
        type="server_error",
        code="timeout",
    )


def internal() -> ApiError:
    """Something that we did not foresee; its details are in our log alone."""
    return ApiError(
        status=500,
        message="The server had an error while processing your request. Please try again.",
        type="server_error",
        code="internal_error",
    )


def _rate_reached(rate: Rate, what: str, retry_after: timedelta) -> str:
    milliseconds = math.ceil(retry_after / timedelta(milliseconds=1))
    seconds = f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".")
    return (
        f"Rate limit reached for {rate.name(what)}: Limit {rate.limit}, Used {rate.used}, "
        f"Requested {rate.requested}. Please try again in {seconds}s."
    )


def _shorten(text: str) -> str:
    return text if len(text) <= _ECHO_LENGTH_MAX else f"{text[:_ECHO_LENGTH_MAX]}…"


def _count(number: int, at_least: bool) -> str:  # noqa: FBT001 - named at the one place that sets it
    return f"at least {number}" if at_least else str(number)
