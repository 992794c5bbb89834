"""From Envoy's question to ours."""

from typing import Final

from authz.service.check import Question
from contract import headers
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest

_DIGITS_MAX: Final = 3


def to_question(request: CheckRequest) -> Question:
    """Take what a verdict is made from out of Envoy's message."""
    http = request.attributes.request.http
    return Question(
        http.method,
        http.path,
        http.headers.get("authorization"),
        http.headers.get(headers.CLIENT_ADDRESS),
        http.raw_body,
        http.headers.get(headers.REQUEST_ID, ""),
        _count(http.headers.get(headers.RETRY_COUNT)),
    )


def _count(told: str | None) -> int:
    """Read what an SDK tells; a client may tell anything."""
    return int(told) if told is not None and len(told) <= _DIGITS_MAX and told.isdecimal() else 0
