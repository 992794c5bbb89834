"""HTTP/2 by hand, without TLS: one request on a connection of its own."""

from collections.abc import Iterable
from dataclasses import dataclass

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset

from tests.edge.http1 import KEY, Answer, Headers, connection

NONSENSE = b"\0\0\1" + bytes(6) + b"x"
"""A frame that no peer may send: data of the connection as a whole."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The stream was reset instead of answered."""

    code: int


def exchange(port: int, headers: Iterable[tuple[str, str]], body: bytes = b"") -> Answer | Reset:
    """Send one request as it is, pseudo headers and all, and return what came of it."""
    http = H2Connection(
        H2Configuration(
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
            header_encoding="utf-8",
        )
    )
    http.initiate_connection()
    http.send_headers(1, list(headers), end_stream=not body)
    status, received, data = 0, [], b""
    with connection(port) as sock:
        sock.sendall(http.data_to_send())
        unsent = body
        while True:
            unsent = _send_what_fits(http, unsent)
            sock.sendall(http.data_to_send())
            for event in http.receive_data(sock.recv(65_536)):
                match event:
                    case ResponseReceived():
                        fields = [(str(name), str(value)) for name, value in event.headers or ()]
                        status, received = int(fields[0][1]), fields[1:]
                    case DataReceived():
                        data += event.data or b""
                        http.acknowledge_received_data(event.flow_controlled_length or 0, 1)
                    case StreamEnded():
                        return Answer(status, tuple(received), data)
                    case StreamReset():
                        return Reset(int(event.error_code or 0))


def opening(headers: Iterable[tuple[str, str]]) -> bytes:
    """Return what opens a connection and sends one request without a body."""
    http = H2Connection(H2Configuration(header_encoding="utf-8"))
    http.initiate_connection()
    http.send_headers(1, list(headers), end_stream=True)
    return http.data_to_send()


def embeddings(headers: Headers = (), key: str = KEY, path: str = "/v1/embeddings") -> Headers:
    """Return the headers of a good request."""
    return [
        (":method", "POST"),
        (":path", path),
        (":scheme", "http"),
        (":authority", "edge"),
        ("authorization", f"Bearer {key}"),
        *headers,
    ]


def _send_what_fits(http: H2Connection, body: bytes) -> bytes:
    """Send as much as the peer's window allows; returns the rest."""
    while body:
        size = min(len(body), http.local_flow_control_window(1), http.max_outbound_frame_size)
        if not size:
            break
        http.send_data(1, body[:size], end_stream=size == len(body))
        body = body[size:]
    return body
