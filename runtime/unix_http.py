"""HTTP on a Unix socket, behind Envoy."""

from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

_KEEP_ALIVE_SECONDS: Final = 2 * 60 * 60
"""Longer than Envoy keeps an idle connection, so that we never close one as it sends on it."""


def configure(app: ASGIApp, socket: Path, stop_seconds: int) -> uvicorn.Config:
    """Return how uvicorn serves an application, saying nothing of itself."""
    return uvicorn.Config(
        app,
        uds=str(socket),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,  # Envoy writes it
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=stop_seconds,
    )
