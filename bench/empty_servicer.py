"""The least that a check can cost: a servicer that reads nothing and answers nothing.

`python -m bench.empty_servicer SOCKET` runs it as authz runs its own: same loop, same options.
"""

import asyncio
import signal
import sys
from typing import Any

import grpc
import uvloop

from bench.admin import CHECK
from runtime import garbage


async def _answer(_: bytes, __: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
    return b""


def _handler() -> "grpc.GenericRpcHandler[Any, Any]":
    service, method = CHECK.strip("/").split("/")
    return grpc.method_handlers_generic_handler(
        service, {method: grpc.unary_unary_rpc_method_handler(_answer)}
    )


async def serve(socket: str) -> None:
    """Answer until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    server = grpc.aio.server(options=[("grpc.http2.bdp_probe", 0)])
    server.add_generic_rpc_handlers((_handler(),))
    server.add_insecure_port(f"unix:{socket}")
    garbage.settle()
    await server.start()
    await stopped.wait()
    await server.stop(1.0)


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
