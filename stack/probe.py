"""Questions that tell whether a process is ready."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import grpc.aio
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from stack.process import Probe

_TIMEOUT_SECONDS: Final = 1.0
_FRESH: Final = (("grpc.use_local_subchannel_pool", 1),)
"""Channels share what they know: one that failed would make the next wait a second to connect."""


def http_on_port(port: int, path: str) -> Probe:
    """Return a probe: does this loopback port answer `path` with 200?"""
    return lambda: _answers_200(lambda: asyncio.open_connection("127.0.0.1", port), path)


def http_on_socket(socket: Path, path: str) -> Probe:
    """Return a probe: does this Unix socket answer `path` with 200?"""
    return lambda: _answers_200(lambda: asyncio.open_unix_connection(socket), path)


def grpc_health(socket: Path) -> Probe:
    """Return a probe: does the standard health service on this Unix socket say SERVING?"""

    async def serving() -> bool:
        async with grpc.aio.insecure_channel(f"unix:{socket}", _FRESH) as channel:
            try:
                reply = await HealthStub(channel).Check(
                    HealthCheckRequest(), timeout=_TIMEOUT_SECONDS
                )
            except grpc.aio.AioRpcError:
                return False
        return bool(reply.status == HealthCheckResponse.SERVING)

    return serving


async def _answers_200(
    connect: Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]], path: str
) -> bool:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            reader, writer = await connect()
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
                return (await reader.readline()).split()[1:2] == [b"200"]
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
