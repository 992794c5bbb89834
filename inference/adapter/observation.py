"""Times, counts and names every request."""

import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from contract.headers import PROCESSING_MS, REQUEST_ID
from inference.adapter.metrics import AdapterMetrics
from inference.adapter.outcomes import CLIENT_LEFT

_REQUEST_ID: Final = REQUEST_ID.encode()
_PROCESSING_MS: Final = PROCESSING_MS.encode()
_REQUEST_ID_LENGTH_MAX: Final = 128
_PATHS: Final = frozenset(
    {"/v1/embeddings", "/v1/embeddings/count", "/v1/models", "/metrics", "/healthz", "/readyz"}
)


class Observation:
    """Wraps the application: outcome and time become metrics, the request's id marks its logs."""

    def __init__(self, app: ASGIApp, metrics: AdapterMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        started = time.perf_counter()
        status = CLIENT_LEFT

        async def send_timed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                elapsed = round((time.perf_counter() - started) * 1000)
                message["headers"].append((_PROCESSING_MS, b"%d" % elapsed))
            await send(message)

        try:
            with bound_contextvars(request_id=_request_id(scope)):
                await self._app(scope, receive, send_timed)
        finally:
            seconds = time.perf_counter() - started
            self._metrics.count_request(_route(scope), status, seconds)


def _request_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == _REQUEST_ID:
            return str(value[:_REQUEST_ID_LENGTH_MAX], "latin-1")
    return None


def _route(scope: Scope) -> str:
    """Return a name of the path with few possible values."""
    path: str = scope["path"]
    if path in _PATHS:
        return path
    return "/v1/models/{id}" if path.startswith("/v1/models/") else "other"
