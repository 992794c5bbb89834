"""From our verdict to Envoy's answer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from itertools import starmap
from typing import Final, assert_never

import grpc

from authz.domain.directory import AccountId, KeyId
from authz.domain.quota.outcome import Standings
from authz.domain.verdict import Allowed, Denied, Verdict
from authz.rpc.durations import format_duration
from authz.rpc.header_bytes import client_header, set_header, upstream_header
from contract import headers
from contract.errors import ApiError
from proto.tessera.envoy.v1.ext_authz_pb2 import (
    CheckResponse,
    DeniedHttpResponse,
    HttpStatus,
    OkHttpResponse,
    Status,
)

_OK: Final = Status(code=grpc.StatusCode.OK.value[0])
_DENIED: Final = Status(code=grpc.StatusCode.PERMISSION_DENIED.value[0])


def to_response(verdict: Verdict) -> bytes:
    """Say a verdict in Envoy's words: a `CheckResponse` as it goes over the wire."""
    match verdict:
        case Allowed():
            return _allow(verdict)
        case Denied():
            return deny(verdict.error, verdict.standing, verdict.key_expires_at)
        case _:
            assert_never(verdict)


def deny(
    error: ApiError, standing: Standings | None = None, key_expires_at: datetime | None = None
) -> bytes:
    """Refuse with one error of the catalogue, whole: status, headers and body."""
    told = {**error.headers(), **_describe(standing), **_describe_end(key_expires_at)}
    response = DeniedHttpResponse(
        status=HttpStatus(code=error.status),
        headers=[set_header(name, value) for name, value in told.items()],
        body=error.body().decode(),
    )
    return CheckResponse(status=_DENIED, denied_response=response).SerializeToString()


def _allow(allowed: Allowed) -> bytes:
    pieces = [_identify(allowed.account_id, allowed.key_id)]
    if allowed.tokens is not None:
        pieces.append(upstream_header(headers.TOKENS, str(allowed.tokens)))
    if allowed.minute is not None:
        pieces.append(upstream_header(headers.MINUTE, str(allowed.minute)))
    if allowed.standing is not None:
        pieces += starmap(client_header, _describe(allowed.standing).items())
    if allowed.month_left is not None:
        pieces += starmap(upstream_header, _say_what_is_left(allowed).items())
    if allowed.key_expires_at is not None:
        pieces += starmap(client_header, _describe_end(allowed.key_expires_at).items())
    return b"".join(pieces)


@lru_cache(maxsize=4096)
def _identify(account_id: AccountId, key_id: KeyId) -> bytes:
    account = set_header(headers.ACCOUNT, str(account_id))
    key = set_header(headers.KEY, str(key_id))
    response = CheckResponse(status=_OK, ok_response=OkHttpResponse(headers=[account, key]))
    return response.SerializeToString()


def _describe(standing: Standings | None) -> Mapping[str, str]:
    if standing is None:
        return {}
    requests, tokens = standing.requests, standing.tokens
    return {
        headers.RATE_LIMIT_REQUESTS: str(requests.limit),
        headers.RATE_LIMIT_TOKENS: str(tokens.limit),
        headers.RATE_REMAINING_REQUESTS: str(requests.remaining),
        headers.RATE_REMAINING_TOKENS: str(tokens.remaining),
        headers.RATE_RESET_REQUESTS: format_duration(requests.reset),
        headers.RATE_RESET_TOKENS: format_duration(tokens.reset),
    }


def _say_what_is_left(allowed: Allowed) -> Mapping[str, str]:
    left = {headers.REMAINING_MONTH: str(allowed.month_left)}
    if allowed.standing is not None:
        left[headers.REMAINING_REQUESTS] = str(allowed.standing.requests.remaining)
        left[headers.REMAINING_TOKENS] = str(allowed.standing.tokens.remaining)
    return left


def _describe_end(key_expires_at: datetime | None) -> Mapping[str, str]:
    if key_expires_at is None:
        return {}
    return {headers.KEY_EXPIRES: f"{key_expires_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}
