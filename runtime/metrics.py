"""Prometheus metrics of one process, served in text form over HTTP."""

from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response


def metrics_route(registry: CollectorRegistry) -> Callable[[Request], Awaitable[Response]]:
    """Return the endpoint that answers a scrape of `registry`."""

    async def scrape(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return scrape
