"""The gRPC server of the admin API: its services, reflection and health."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from authz.rpc.admin.certificates import Certificates
from authz.rpc.admin.deadlines import STREAM_SECONDS
from authz.rpc.admin.gate import Gate
from authz.rpc.admin.handlers import Handlers

MESSAGE_BYTES_MAX: Final = 2**20
_CALLS_MAX: Final = 256
_WATCH_SECONDS: Final = 0.5
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_concurrent_streams", 64),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 30_000),
    # Each connection begins anew, so an expired certificate does not live on.
    ("grpc.max_connection_age_ms", 3_600_000),
    ("grpc.max_connection_age_grace_ms", int(STREAM_SECONDS * 1000)),
    # With it, a second process on the same port would quietly answer half of the calls.
    ("grpc.so_reuseport", 0),
)
_PRIVATE: Final = 0o177

_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING

_log = structlog.get_logger()


class ListenError(Exception):
    """The server cannot listen where it was told to."""


@dataclass(frozen=True, slots=True)
class SecureAddress:
    """`host:port` over TCP, and what is shown to those who connect."""

    address: str
    certificates: Certificates


class AdminServer:
    """Answers whoever administers; healthy while there is a database to change."""

    def __init__(
        self,
        gate: Gate,
        services: Mapping[str, Handlers],
        is_database_up: Callable[[], Awaitable[bool]],
    ) -> None:
        self._services = tuple(services)
        self._is_database_up = is_database_up
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined] # the stubs lack it
        self._server = grpc.aio.server(
            interceptors=(gate,), maximum_concurrent_rpcs=_CALLS_MAX, options=_OPTIONS
        )
        self._server.add_generic_rpc_handlers(tuple(services.values()))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        known = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(known, self._server)

    def listen_on_socket(self, socket: Path) -> None:
        """Listen on a Unix socket that only its owner can connect to, in a folder only they fill.

        Raises:
            ListenError: the folder is open to others, or there is none.
            OSError: the folder cannot be looked at.
        """
        if socket.parent.stat().st_mode & 0o022:
            raise ListenError(f"The folder of {socket} is open to others")
        before = os.umask(_PRIVATE)
        try:
            self._add_port(lambda: self._server.add_insecure_port(f"unix:{socket}"), str(socket))
        finally:
            os.umask(before)

    def listen_on_address(self, secure: SecureAddress) -> int:
        """Listen for clients that have a certificate; return the port. Raises `ListenError`."""
        credentials = secure.certificates.credentials()
        return self._add_port(
            lambda: self._server.add_secure_port(secure.address, credentials), secure.address
        )

    @staticmethod
    def _add_port(add: Callable[[], int], where: str) -> int:
        try:
            return add()
        except RuntimeError:  # all that gRPC says is that it failed
            raise ListenError(f"It is impossible to listen on {where}") from None

    async def start(self) -> None:
        """Answer; unhealthy until `watch_health` finds otherwise."""
        await self._say(_NOT_SERVING)
        await self._server.start()

    async def watch_health(self) -> None:
        """Say, until cancelled, whether anything can be administered."""
        said: int | None = None
        while True:
            status = _SERVING if await self._is_database_up() else _NOT_SERVING
            if status != said:
                _log.info("health.changed", is_database_up=status == _SERVING)
                await self._say(status)
            said = status
            await asyncio.sleep(_WATCH_SECONDS)

    async def _say(self, status: int) -> None:
        for name in ("", *self._services):
            await self._health.set(name, status)

    async def stop(self, grace_seconds: float) -> None:
        """Take no more calls, give those under way a while to end, then close."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_seconds)
