"""From our verdict to Envoy's answer."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, assert_never

import grpc

from authz.domain.bucket import Bucket
from authz.domain.directory import AccountId, KeyId
from authz.domain.verdict import Allowed, Denied, Verdict
from authz.rpc.durations import format_duration
from contract import headers
from contract.errors import ApiError
from proto.tessera.envoy.v1.ext_authz_pb2 import (
    CheckResponse,
    DeniedHttpResponse,
    HeaderValue,
    HeaderValueOption,
    HttpStatus,
    OkHttpResponse,
    Status,
)

_OK: Final = Status(code=grpc.StatusCode.OK.value[0])
_DENIED: Final = Status(code=grpc.StatusCode.PERMISSION_DENIED.value[0])


def to_response(verdict: Verdict) -> CheckResponse:
    """Say a verdict in Envoy's words."""
    match verdict:
        case Allowed():
            return _allow(verdict)
        case Denied():
            return deny(verdict.error, verdict.bucket, verdict.key_expires_at)
        case _:
            assert_never(verdict)


def deny(
    error: ApiError, bucket: Bucket | None = None, key_expires_at: datetime | None = None
) -> CheckResponse:
    """Refuse with one error of the catalogue, whole: status, headers and body."""
    response = DeniedHttpResponse(
        status=HttpStatus(code=error.status),
        headers=[_set(name, value) for name, value in error.headers().items()],
        body=error.body().decode(),
    )
    response.headers.extend(_rate_headers(bucket))
    if key_expires_at is not None:
        response.headers.append(_expiry(key_expires_at))
    return CheckResponse(status=_DENIED, denied_response=response)


def _allow(allowed: Allowed) -> CheckResponse:
    response = OkHttpResponse(
        headers=_identify(allowed.account_id, allowed.key_id),
        response_headers_to_add=_rate_headers(allowed.bucket),
    )
    if allowed.key_expires_at is not None:
        response.response_headers_to_add.append(_expiry(allowed.key_expires_at))
    if allowed.tokens is not None:
        response.headers.append(_set(headers.TOKENS, str(allowed.tokens)))
    return CheckResponse(status=_OK, ok_response=response)


# Building these anew was a quarter of a check's own time.
@lru_cache(maxsize=4096)
def _identify(account_id: AccountId, key_id: KeyId) -> tuple[HeaderValueOption, ...]:
    return _set(headers.ACCOUNT, str(account_id)), _set(headers.KEY, str(key_id))


def _rate_headers(bucket: Bucket | None) -> list[HeaderValueOption]:
    if bucket is None:
        return []
    return [
        _set_limit(bucket.limit),
        _set(headers.RATE_REMAINING_REQUESTS, str(bucket.remaining)),
        _set(headers.RATE_RESET_REQUESTS, format_duration(bucket.time_until_full)),
    ]


def _expiry(key_expires_at: datetime) -> HeaderValueOption:
    return _set(headers.KEY_EXPIRES, f"{key_expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")


@lru_cache(maxsize=64)
def _set_limit(requests_per_minute: int) -> HeaderValueOption:
    return _set(headers.RATE_LIMIT_REQUESTS, str(requests_per_minute))


def _set(name: str, value: str) -> HeaderValueOption:
    """Set a header to one value, whatever it was."""
    return HeaderValueOption(
        header=HeaderValue(key=name, value=value),
        append_action=HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
    )
