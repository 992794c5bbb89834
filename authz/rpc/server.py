"""The gRPC server: Envoy's two services and the standard health service on one Unix socket."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from authz.service.current_directory import CurrentDirectory
from contract.limits import BODY_BYTES_MAX

_MESSAGE_BYTES_MAX: Final = BODY_BYTES_MAX + 4 * 2**20  # a body, and headers to spare
_CALLS_MAX: Final = 4096
_STOP_SECONDS: Final = 1.0  # checks take milliseconds; the access log stream would never end
_WATCH_SECONDS: Final = 0.2

_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING


class Server:
    """Answers Envoy; healthy while the directory can be answered from."""

    def __init__(
        self,
        socket: Path,
        current: CurrentDirectory,
        handlers: Iterable["grpc.GenericRpcHandler[Any, Any]"],
    ) -> None:
        self._current = current
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined] # the stubs lack it
        self._server = grpc.aio.server(
            maximum_concurrent_rpcs=_CALLS_MAX,
            options=[
                ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
                # Probing the bandwidth of a Unix socket costs a fifth of a small call's time.
                ("grpc.http2.bdp_probe", 0),
            ],
        )
        self._server.add_generic_rpc_handlers(tuple(handlers))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._server.add_insecure_port(f"unix:{socket}")

    async def start(self) -> None:
        """Listen; unhealthy until `watch_health` finds otherwise."""
        await self._health.set("", _NOT_SERVING)
        await self._server.start()

    async def watch_health(self) -> None:
        """Say, until cancelled, whether checks can be answered."""
        while True:
            await self._health.set("", _SERVING if self._current.is_fresh else _NOT_SERVING)
            await asyncio.sleep(_WATCH_SECONDS)

    async def stop(self) -> None:
        """Take no more calls, let those under way end, then close."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(_STOP_SECONDS)
