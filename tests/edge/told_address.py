"""The address that authz is told of a request."""

import socket
from typing import Final

from tests.edge.conftest import Edge
from tests.edge.doubles import ALLOWED_HEADERS
from tests.edge.http1 import Headers, embeddings, read_answer

HEADER: Final = "x-tessera-client-address"


def told_address(edge: Edge, headers: Headers, host: str = "127.0.0.1") -> str | None:
    """Send a request with these headers; return what authz was told, and the adapter was not."""
    with socket.create_connection((host, edge.port), timeout=10) as sock:
        sock.sendall(embeddings(headers=headers))
        assert read_answer(sock).json()["internal"] == ALLOWED_HEADERS
    check = edge.authz.checks.pop()
    assert check.attributes is not None
    assert check.attributes.request is not None
    assert check.attributes.request.http is not None
    return check.attributes.request.http.headers.get(HEADER)
