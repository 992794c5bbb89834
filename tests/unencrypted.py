"""HTTP without TLS, whose clients do not read the machine's certificates: that takes 25 ms each."""

import ssl
from pathlib import Path
from typing import Any, Final

import httpx

_TRUSTS_NOBODY: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
_HOST: Final = "http://localhost"


def get(url: str, **sent: Any) -> httpx.Response:  # noqa: ANN401 httpx's own
    """Send a GET; `sent` is httpx's."""
    return httpx.get(url, verify=_TRUSTS_NOBODY, trust_env=False, **sent)


def post(url: str, **sent: Any) -> httpx.Response:  # noqa: ANN401 httpx's own
    """Send a POST; `sent` is httpx's."""
    return httpx.post(url, verify=_TRUSTS_NOBODY, trust_env=False, **sent)


def client_of(socket: Path, timeout_seconds: float = 20) -> httpx.Client:
    """Return a client of a Unix socket."""
    transport = httpx.HTTPTransport(verify=_TRUSTS_NOBODY, uds=str(socket))
    return httpx.Client(transport=transport, base_url=_HOST, timeout=timeout_seconds)


def async_client_of(socket: Path, timeout_seconds: float = 20) -> httpx.AsyncClient:
    """Return the same for asyncio."""
    transport = httpx.AsyncHTTPTransport(verify=_TRUSTS_NOBODY, uds=str(socket))
    return httpx.AsyncClient(transport=transport, base_url=_HOST, timeout=timeout_seconds)
