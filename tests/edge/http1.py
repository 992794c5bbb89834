"""HTTP/1.1 by hand: any bytes, sent as they are, and the answer taken apart."""

import json
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPResponse
from typing import Any, Final

from contract.errors import ApiError

KEY: Final = "sk-tessera-" + "a" * 40
"""Well formed; whether it exists is not Envoy's to know."""

Headers = Iterable[tuple[str, str]]
_TIMEOUT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; `headers` keeps duplicates, names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the header's only value."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} came more than once: {values}"
        return values[0] if values else None

    def json(self) -> Any:  # noqa: ANN401 whatever was sent
        """Return the parsed body."""
        return json.loads(self.body)


@contextmanager
def connection(port: int) -> Iterator[socket.socket]:
    """Connect to Envoy."""
    with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_SECONDS) as sock:
        yield sock


def exchange(port: int, payload: bytes) -> Answer:
    """Send bytes on a connection of their own and read the answer."""
    with connection(port) as sock:
        sock.sendall(payload)
        return read_answer(sock)


def read_answer(sock: socket.socket) -> Answer:
    """Read one response."""
    response = HTTPResponse(sock)
    response.begin()
    headers = tuple((name.lower(), value) for name, value in response.getheaders())
    return Answer(response.status, headers, response.read())


def request(method: str, path: str, headers: Headers = (), body: bytes | None = None) -> bytes:
    """Return a request's bytes, with `host`, and `content-length` where there is a body."""
    lines = [f"{method} {path} HTTP/1.1", "host: edge"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def embeddings(body: bytes = b"{}", headers: Headers = (), key: str = KEY) -> bytes:
    """Return the bytes of a good request with a body."""
    return request("POST", "/v1/embeddings", [*bearer(key), *headers], body)


def bearer(key: str = KEY) -> list[tuple[str, str]]:
    """Return the header that carries a key."""
    return [("authorization", f"Bearer {key}")]


def chunked(parts: Iterable[bytes]) -> bytes:
    """Return a body in chunks, which declares no length."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def assert_is(answer: Answer, error: ApiError) -> None:
    """Check that an answer is this error, whole: status, body, headers and a request id."""
    assert (answer.status, answer.body) == (error.status, error.body())
    for name, value in error.headers().items():
        assert answer.header(name) == value
    assert_has_request_id(answer)


def assert_is_retryable(answer: Answer, error: Callable[[timedelta], ApiError]) -> None:
    """Check the same of an error whose wait Envoy chooses."""
    milliseconds = answer.header("retry-after-ms")
    assert milliseconds is not None
    assert_is(answer, error(timedelta(milliseconds=int(milliseconds))))


def assert_has_request_id(answer: Answer) -> str:
    """Check the one request id of an answer, and return it."""
    value = answer.header("x-request-id")
    assert value is not None
    assert re.fullmatch("req_[0-9a-f]{32}", value)
    return value
