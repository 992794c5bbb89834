"""Serves metrics over HTTP on a Unix socket."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Route

from runtime.metrics import metrics_route


class ScrapeServer(uvicorn.Server):
    """Uvicorn beside another server, which is the one to hear signals."""

    def __init__(self, socket: Path, registry: CollectorRegistry) -> None:
        app = Starlette(routes=[Route("/metrics", metrics_route(registry))])
        super().__init__(
            uvicorn.Config(app, uds=str(socket), log_config=None, access_log=False, lifespan="off")
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process."""
        yield
