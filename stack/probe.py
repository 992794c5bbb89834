"""Questions that tell whether a process is ready, or at least answers."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import grpc.aio
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from stack.process import Probe

_TIMEOUT_SECONDS: Final = 1.0
_ANSWER_BYTES: Final = 256
_FRESH: Final = (("grpc.use_local_subchannel_pool", 1),)
"""Channels share what they know: one that failed would make the next wait a second to connect."""

_Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


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


def any_http_on_port(port: int, path: str) -> Probe:
    """Return a probe: does this loopback port answer `path` with anything?"""
    return lambda: _answers(lambda: asyncio.open_connection("127.0.0.1", port), _get(path))


def any_http_on_socket(socket: Path, path: str) -> Probe:
    """Return a probe: does this Unix socket answer `path` with anything?"""
    return any_on_socket(socket, _get(path))


def any_on_socket(socket: Path, question: bytes) -> Probe:
    """Return a probe: does this Unix socket answer these bytes with anything?"""
    return lambda: _answers(lambda: asyncio.open_unix_connection(socket), question)


def any_grpc_health(socket: Path) -> Probe:
    """Return a probe: does the standard health service on this Unix socket say anything?"""

    async def answers() -> bool:
        async with grpc.aio.insecure_channel(f"unix:{socket}", _FRESH) as channel:
            try:
                await HealthStub(channel).Check(HealthCheckRequest())
            except grpc.aio.AioRpcError as error:
                return error.code() is not grpc.StatusCode.UNAVAILABLE  # nobody listens
        return True

    return answers


async def _answers_200(connect: _Connect, path: str) -> bool:
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return (await _ask(connect, _get(path))).split()[1:2] == [b"200"]
    except (OSError, TimeoutError):
        return False


async def _answers(connect: _Connect, question: bytes) -> bool:
    try:
        await _ask(connect, question)
    except (ConnectionResetError, BrokenPipeError):
        return True  # so is an end without a word: who refuses us for being too many is alive
    except OSError:
        return False
    return True


async def _ask(connect: _Connect, question: bytes) -> bytes:
    """Return the beginning of the answer; nothing if the connection was closed instead."""
    reader, writer = await connect()
    try:
        writer.write(question)
        return await reader.read(_ANSWER_BYTES)
    finally:
        writer.close()


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode()
