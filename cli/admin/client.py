"""Calls the admin API. gRPC is imported here and beneath alone, and only when a call is made."""

import os
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar
from uuid import uuid4

import grpc
from google.protobuf.message import Message

from cli.admin.failures import Failure, read_failure, to_error
from cli.admin.server import LocalServer, RemoteServer, Server
from cli.refusal import CommandError, Exit
from stack.launch import current_status
from stack.layout import locate

R = TypeVar("R", bound=Message)

_TIMEOUT_SECONDS: Final = 10.0
_STREAM_TIMEOUT_SECONDS: Final = 1800.0
_WAITS_SECONDS: Final = (0.2, 0.5, 1.0, 2.0)
"""How long after each try but the last a server that is away is tried again."""
_WAIT_SECONDS_MAX: Final = 5.0
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", 64 * 2**20),  # a page of long audit entries
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


class Client:
    """One server's admin API. Every call has a deadline.

    What changes something has a request id, made here once, so that it can be sent again when the
    server was away, and is done once. Every failure is a `CommandError`.
    """

    def __init__(
        self, channel: grpc.Channel, server: Server, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._channel = channel
        self._server = server
        self._sleep = sleep

    def call(
        self, request: Message, response_type: type[R], timeout_seconds: float = _TIMEOUT_SECONDS
    ) -> R:
        """Make the call that takes this request."""
        _require_socket(self._server)
        _identify(request)
        send = self._channel.unary_unary(
            _path(request),
            request_serializer=type(request).SerializeToString,
            response_deserializer=response_type.FromString,
        )
        for wait in (*_WAITS_SECONDS, None):
            try:
                response: R = send(request, timeout=timeout_seconds)
            except grpc.RpcError as error:
                self._wait_or_raise(read_failure(error), wait)
            else:
                return response
        raise AssertionError

    def stream(self, request: Message, response_type: type[R]) -> Iterator[R]:
        """Make the call that takes this request; it may begin anew where the server was away."""
        _require_socket(self._server)
        _identify(request)
        send = self._channel.unary_stream(
            _path(request),
            request_serializer=type(request).SerializeToString,
            response_deserializer=response_type.FromString,
        )
        for wait in (*_WAITS_SECONDS, None):
            try:
                yield from send(request, timeout=_STREAM_TIMEOUT_SECONDS)
            except grpc.RpcError as error:
                self._wait_or_raise(read_failure(error), wait)
            else:
                return

    def _wait_or_raise(self, failure: Failure, wait_seconds: float | None) -> None:
        if wait_seconds is None or not failure.is_passing:
            raise to_error(failure, self._server) from None
        self._sleep(min(max(wait_seconds, failure.retry_seconds), _WAIT_SECONDS_MAX))


@contextmanager
def connect(server: Server) -> Iterator[Client]:
    """Open a connection; the first call finds out whether anybody is there."""
    with _open(server) as channel:
        yield Client(channel, server)


def _open(server: Server) -> grpc.Channel:
    match server:
        case LocalServer():
            return grpc.insecure_channel(f"unix:{server.socket}", options=_OPTIONS)
        case RemoteServer():
            _check_files(server)
            credentials = grpc.ssl_channel_credentials(
                root_certificates=server.ca.read_bytes(),
                private_key=server.key.read_bytes(),
                certificate_chain=server.certificate.read_bytes(),
            )
            return grpc.secure_channel(server.address, credentials, options=_OPTIONS)


def _check_files(server: RemoteServer) -> None:
    """Tell what gRPC would only call a failed handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(server.ca)
    except ssl.SSLError:
        raise CommandError(f"{server.ca} holds no CA's certificate in PEM", Exit.USAGE) from None
    try:
        context.load_cert_chain(server.certificate, server.key, password="")
    except ssl.SSLError:
        raise CommandError(
            f"{server.certificate} and {server.key} are no certificate and its private key in PEM",
            Exit.USAGE,
        ) from None


def _require_socket(server: Server) -> None:
    """Tell at once, instead of trying again and again, that there is nobody to call."""
    if isinstance(server, RemoteServer) or os.access(server.socket, os.W_OK):
        return
    if os.access(server.state, os.F_OK) and not os.access(server.state, os.W_OK | os.X_OK):
        raise CommandError(
            f"{server.state} is another user's; run this as that user, or name another folder",
            Exit.NOT_PERMITTED,
        )
    if current_status(locate(server.state)) is None:
        raise CommandError(
            f"No stack runs on {server.state}; start one with"
            f" `tessera up --detach --state {server.state}`, or name a server with --address",
            Exit.UNREACHABLE,
        )
    raise CommandError(
        f"The stack on {server.state} has no admin server now;"
        f" see `tessera status --state {server.state}`",
        Exit.UNREACHABLE,
    )


def _path(request: Message) -> str:
    """Return the path of the one method that takes this request."""
    (path,) = (
        f"/{service.full_name}/{method.name}"
        for service in request.DESCRIPTOR.file.services_by_name.values()
        for method in service.methods
        if method.input_type is request.DESCRIPTOR
    )
    return path


def _identify(request: Message) -> None:
    """Give a request for a change its id, unless it has one."""
    if "request_id" in request.DESCRIPTOR.fields_by_name and not getattr(request, "request_id"):  # noqa: B009
        setattr(request, "request_id", str(uuid4()))  # noqa: B010 it is known from the descriptor
