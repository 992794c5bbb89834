"""The ASGI application, wired from its parts."""

import random
import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from contract.tokens import RequestTokenizer
from inference.adapter.admission import Backlog, Bounds
from inference.adapter.dispatch import Dispatcher
from inference.adapter.embedder import Embedder
from inference.adapter.gate import TokenGate
from inference.adapter.metrics import AdapterMetrics
from inference.adapter.observation import Observation
from inference.adapter.outcomes import Outcomes, explain_http
from inference.adapter.routes import Endpoints
from inference.adapter.service import EmbeddingService
from inference.adapter.settings import AdapterSettings
from inference.adapter.threads import Threads
from inference.adapter.throughput import Throughput
from runtime.metrics import metrics_route


def build_app(
    settings: AdapterSettings, tokenizer: RequestTokenizer, embedder: Embedder, threads: Threads
) -> ASGIApp:
    """Wire the application; everything that waits on the model goes through one gate."""
    metrics = AdapterMetrics()
    jitter = random.Random().random  # noqa: S311 - spreads retries, guards nothing
    gate = TokenGate(settings.in_flight_tokens_max)
    throughput = Throughput(settings.tokens_per_second, time.monotonic)
    bounds = Bounds(settings.queue_tokens_max, settings.backlog_tokens_max)
    backlog = Backlog(bounds, gate, throughput, jitter)
    dispatcher = Dispatcher(
        embedder,
        gate,
        backlog,
        throughput,
        batch_tokens_max=settings.batch_tokens_max,
        batches_at_once=settings.batches_per_request,
    )
    _watch(metrics, gate, backlog, throughput)
    service = EmbeddingService(tokenizer, dispatcher, threads, metrics, settings.inline_bytes_max)
    endpoints = Endpoints(
        service, tokenizer.card, embedder.is_ready, settings.request_timeout_seconds
    )
    routes = endpoints.routes(Outcomes(metrics, jitter).answering)
    app = Starlette(
        routes=[*routes, Route("/metrics", metrics_route(metrics.registry), methods=["GET"])],
        exception_handlers={HTTPException: explain_http},
    )
    app.router.redirect_slashes = False  # an unknown path is a 404 here, as it is at the edge
    return Observation(app, metrics)


def _watch(
    metrics: AdapterMetrics, gate: TokenGate, backlog: Backlog, throughput: Throughput
) -> None:
    metrics.watch(
        "adapter_in_flight_tokens", "Tokens that Triton holds now", lambda: gate.tokens_inside
    )
    metrics.watch(
        "adapter_queued_tokens", "Tokens of batches that wait now", lambda: gate.tokens_waiting
    )
    metrics.watch(
        "adapter_backlog_tokens", "Tokens accepted and unserved now", lambda: backlog.tokens
    )
    metrics.watch(
        "adapter_tokens_per_second",
        "Measured speed of the model while it works",
        lambda: throughput.tokens_per_second,
    )
