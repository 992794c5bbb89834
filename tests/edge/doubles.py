"""What stands behind Envoy in these tests: an authz and an adapter that do as they are told."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any, Final, Self

import grpc
from envoy_data_plane.envoy.service.accesslog.v3 import StreamAccessLogsMessage
from envoy_data_plane.envoy.service.auth.v3 import CheckRequest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from contract.errors import ApiError
from contract.headers import ACCOUNT, INTERNAL_PREFIX, KEY, MINUTE, TOKENS
from proto.tessera.envoy.v1.ext_authz_pb2 import (
    CheckResponse,
    DeniedHttpResponse,
    HeaderValue,
    HeaderValueOption,
    HttpStatus,
    OkHttpResponse,
    Status,
)

ALLOWED_HEADERS: Final = {ACCOUNT: "account-1", KEY: "key-1", TOKENS: "3", MINUTE: "29000000"}
_OVERWRITE: Final = HeaderValueOption.AppendAction.OVERWRITE_IF_EXISTS_OR_ADD


def allow(request: CheckRequest) -> CheckResponse:
    """Let the request pass, as authz would."""
    return allow_adding({"x-ratelimit-limit-requests": "60"})(request)


def allow_adding(headers: dict[str, str]) -> Callable[[CheckRequest], CheckResponse]:
    """Return the behaviour that lets pass, and adds these headers to the response."""
    ok = OkHttpResponse(
        headers=_options(ALLOWED_HEADERS), response_headers_to_add=_options(headers)
    )
    response = CheckResponse(status=Status(code=0), ok_response=ok)
    return lambda _: response


def deny(
    error: ApiError, headers: dict[str, str] | None = None
) -> Callable[[CheckRequest], CheckResponse]:
    """Return the behaviour that refuses with this error, and with these headers besides its own."""
    denied = DeniedHttpResponse(
        status=HttpStatus(code=error.status),
        headers=_options(error.headers() | (headers or {})),
        body=error.body().decode(),
    )
    response = CheckResponse(status=Status(code=7), denied_response=denied)
    return lambda _: response


def _options(headers: dict[str, str]) -> list[HeaderValueOption]:
    return [
        HeaderValueOption(header=HeaderValue(key=key, value=value), append_action=_OVERWRITE)
        for key, value in headers.items()
    ]


class AuthzDouble:
    """Answers checks with `behaviour`, and remembers them and the access log's entries."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._server: grpc.Server | None = None
        self.behaviour: Callable[[CheckRequest], CheckResponse] = allow
        self.checks: list[CheckRequest] = []
        self.logged: list[StreamAccessLogsMessage] = []

    def reset(self) -> None:
        """Forget everything, and allow."""
        self.behaviour = allow
        self.checks.clear()
        self.logged.clear()

    def start(self) -> None:
        """Serve on the socket."""
        server = grpc.server(
            futures.ThreadPoolExecutor(16),
            options=[("grpc.max_receive_message_length", 32 * 2**20)],
        )
        server.add_generic_rpc_handlers((self._checks(), self._logs()))
        servicer = health.HealthServicer()
        servicer.set("", health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
        server.add_insecure_port(f"unix:{self._path}")
        server.start()
        self._server = server

    def stop(self) -> None:
        """Close the socket and, a moment later, every connection."""
        if self._server is not None:
            self._server.stop(grace=0.2).wait(timeout=5)
            self._server = None

    def _checks(self) -> "grpc.GenericRpcHandler[Any, Any]":
        def check(request: CheckRequest, _: grpc.ServicerContext) -> CheckResponse:
            self.checks.append(request)
            return self.behaviour(request)

        method = grpc.unary_unary_rpc_method_handler(
            check,
            request_deserializer=CheckRequest.parse,
            response_serializer=CheckResponse.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(
            "envoy.service.auth.v3.Authorization", {"Check": method}
        )

    def _logs(self) -> "grpc.GenericRpcHandler[Any, Any]":
        def log(messages: Iterator[StreamAccessLogsMessage], _: grpc.ServicerContext) -> bytes:
            self.logged.extend(messages)
            return b""

        method = grpc.stream_unary_rpc_method_handler(
            log, request_deserializer=StreamAccessLogsMessage.parse
        )
        return grpc.method_handlers_generic_handler(
            "envoy.service.accesslog.v3.AccessLogService", {"StreamAccessLogs": method}
        )


@dataclass(frozen=True, slots=True)
class Received:
    """One request as the adapter saw it; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Script:
    """What the adapter does with the next requests."""

    status: int = 200
    hang: bool = False
    hang_up: bool = False
    cut: bool = False
    """Whether the connection ends within the answer."""
    body: bytes | None = None
    """The answer's, instead of what shows what arrived."""
    headers: dict[str, str] = field(default_factory=dict)


class AdapterDouble:
    """Answers as `script` says, and remembers the requests and the callers that left."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._server: _Server | None = None
        self.script = Script()
        self.received: list[Received] = []
        self.abandoned = threading.Event()

    def reset(self) -> None:
        """Forget everything, and answer 200."""
        self.script = Script()
        self.received.clear()
        self.abandoned.clear()

    def start(self) -> None:
        """Serve on the socket."""
        Path(self._path).unlink(missing_ok=True)
        self._server = _Server(self._path, self)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop listening, and close every connection."""
        if self._server is not None:
            self._server.shutdown()
            self._server.close_connections()
            self._server.server_close()
            self._server = None

    def echo(self, request: Received) -> bytes:
        """Return the answer's body, which shows what of the internal headers arrived."""
        internal = {
            name: value
            for name, value in request.headers.items()
            if name.startswith(INTERNAL_PREFIX)
        }
        return json.dumps({"path": request.path, "internal": internal}).encode()


class _Server(ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: str, double: AdapterDouble) -> None:
        self.double = double
        self.connections: set[socket.socket] = set()
        super().__init__(path, _Handler)

    def get_request(self) -> tuple[socket.socket, str]:
        connection, _ = super().get_request()
        self.connections.add(connection)
        return connection, "envoy"  # a Unix peer has no address, and the handler wants one

    def close_connections(self) -> None:
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        double = self.server.double
        request = self._receive()
        double.received.append(request)
        if double.script.hang_up:
            self.close_connection = True
        elif double.script.hang:
            self._wait_for_the_caller_to_leave()
        else:
            body = double.script.body
            self._answer(double.script, double.echo(request) if body is None else body)

    def _receive(self) -> Received:
        headers = {name.lower(): value for name, value in self.headers.items()}
        if headers.get("transfer-encoding") == "chunked":
            body = self._read_chunks()
        else:
            body = self.rfile.read(int(headers.get("content-length", 0)))
        return Received(self.command, self.path, headers, body)

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _wait_for_the_caller_to_leave(self) -> None:
        self.connection.settimeout(20)
        if self.connection.recv(1) == b"":
            self.server.double.abandoned.set()
        self.close_connection = True

    def _answer(self, script: Script, body: bytes) -> None:
        self.send_response(script.status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body) + script.cut))
        for name, value in script.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.close_connection or script.cut

    def log_message(self, *_: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Doubles:
    """All of them; a test starts the spare authz when it wants a second."""

    authz: AuthzDouble
    spare_authz: AuthzDouble
    adapter: AdapterDouble
    usage: AdapterDouble

    @classmethod
    def started(cls, authz_path: str, spare_path: str, adapter_path: str, usage_path: str) -> Self:
        """Start all but the spare on their sockets."""
        doubles = cls(
            AuthzDouble(authz_path),
            AuthzDouble(spare_path),
            AdapterDouble(adapter_path),
            AdapterDouble(usage_path),
        )
        doubles.authz.start()
        doubles.adapter.start()
        doubles.usage.start()
        return doubles

    def reset(self) -> None:
        """Make all friendly and forgetful."""
        self.authz.reset()
        self.spare_authz.reset()
        self.adapter.reset()
        self.usage.reset()

    def stop(self) -> None:
        """Stop all."""
        self.authz.stop()
        self.spare_authz.stop()
        self.adapter.stop()
        self.usage.stop()
