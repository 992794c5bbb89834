"""From Envoy's question to ours."""

from authz.service.check import Question
from contract import headers
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest


def to_question(request: CheckRequest) -> Question:
    """Take what a verdict is made from out of Envoy's message."""
    http = request.attributes.request.http
    return Question(
        http.method,
        http.path,
        http.headers.get("authorization"),
        http.headers.get(headers.CLIENT_ADDRESS),
        http.raw_body,
    )
