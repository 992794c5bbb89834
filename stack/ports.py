"""TCP ports on the loopback interface."""

import os
import socket

from stack.errors import StackError

LOOPBACK = "127.0.0.1"


def base_url(port: int) -> str:
    """Return what a client of the public API is given."""
    return f"http://{LOOPBACK}:{port}/v1"


def free_ports(count: int) -> tuple[int, ...]:
    """Return ports that nothing listens on now; all are held until the last is found."""
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = tuple(int(each.getsockname()[1]) for each in sockets)
    for each in sockets:
        each.close()
    return ports


def claim_public_port(port: int) -> int:
    """Return the port if it is free, or a free one for 0; raise StackError otherwise.

    Envoy shares its port with any other Envoy (SO_REUSEPORT), so it would not notice itself.
    """
    if port == 0:
        return free_ports(1)[0]
    try:
        socket.create_server((LOOPBACK, port)).close()
    except OSError as error:
        raise StackError(
            f"Port {port} cannot be used: {os.strerror(error.errno or 0)};"
            " choose another with --port (make up PORT=...)"
        ) from error
    return port
