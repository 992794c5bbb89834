"""An admin API that knows `RevokeLeakedKey` alone, over gRPC."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

import grpc

from proto.tessera.admin.v1.keys_pb2 import Key, RevokeLeakedKeyRequest, RevokeLeakedKeyResponse
from tests.certificates import Authority

HOST: Final = "127.0.0.1"
_SERVICE: Final = "tessera.admin.v1.KeyService"


@dataclass
class AdminDouble:
    """Revokes each known key once per request id, as the real one does."""

    known: dict[str, str] = field(default_factory=dict)
    """Ids of keys, by their text."""
    requests: list[RevokeLeakedKeyRequest] = field(default_factory=list)
    callers: set[str] = field(default_factory=set)
    """URIs in the certificates of whoever called."""
    refusal: grpc.StatusCode | None = None
    proceed: Event = field(default_factory=Event)
    """Cleared: calls wait."""

    def __post_init__(self) -> None:
        self.proceed.set()

    @property
    def revoked(self) -> set[str]:
        """Ids of the keys that were revoked."""
        return {self.known[each.secret] for each in self.requests if each.secret in self.known}

    def revoke(
        self, request: RevokeLeakedKeyRequest, context: grpc.ServicerContext
    ) -> RevokeLeakedKeyResponse:
        """Answer a call."""
        self.proceed.wait(10)
        names = context.auth_context().get("x509_subject_alternative_name", ())
        self.callers |= {bytes(name).decode() for name in names}
        if self.refusal is not None:
            context.abort(self.refusal, f"{request.secret} is refused")
        self.requests.append(request)
        key_id = self.known.get(request.secret)
        return RevokeLeakedKeyResponse(known=key_id is not None, key=Key(id=key_id or ""))


@contextmanager
def over_tls(double: AdminDouble, authority: Authority, port: int = 0) -> Iterator[int]:
    """Serve to clients with a certificate; yield the port."""
    issued = authority.issue_for_host(HOST)
    credentials = grpc.ssl_server_credentials(
        [(issued.key.read_bytes(), issued.certificate.read_bytes())],
        authority.certificate.read_bytes(),
        require_client_auth=True,
    )
    server = _make_server(double)
    bound = server.add_secure_port(f"{HOST}:{port}", credentials)
    server.start()
    try:
        yield bound
    finally:
        server.stop(None).wait(10)


@contextmanager
def over_socket(double: AdminDouble, socket: Path) -> Iterator[None]:
    """Serve on a Unix socket."""
    server = _make_server(double)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    try:
        yield
    finally:
        server.stop(None).wait(10)


def _make_server(double: AdminDouble) -> grpc.Server:
    server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
    handler = grpc.unary_unary_rpc_method_handler(
        double.revoke,
        request_deserializer=RevokeLeakedKeyRequest.FromString,
        response_serializer=RevokeLeakedKeyResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(_SERVICE, {"RevokeLeakedKey": handler}),)
    )
    return server
