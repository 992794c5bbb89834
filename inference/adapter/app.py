"""The ASGI application, wired from its parts."""

import random
import time
from collections.abc import Callable
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from contract.tokens import RequestTokenizer
from inference.adapter.admission import Admission, Bounds
from inference.adapter.batch_metrics import BatchMetrics
from inference.adapter.batching import Batching
from inference.adapter.dispatch import Dispatcher
from inference.adapter.embedder import Embedder
from inference.adapter.flights import Flights
from inference.adapter.metrics import AdapterMetrics
from inference.adapter.observation import Observation
from inference.adapter.outcomes import Outcomes, explain_http
from inference.adapter.routes import Endpoints
from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.scheduler import Scheduler
from inference.adapter.service import EmbeddingService
from inference.adapter.settings import AdapterSettings
from inference.adapter.threads import Threads
from inference.adapter.throughput import Throughput
from inference.serving import Serving
from runtime.metrics import metrics_route


def build_app(
    settings: AdapterSettings,
    tokenizer: RequestTokenizer,
    embedder: Embedder,
    threads: Threads,
    serving: Serving | None = None,
    differs: Callable[[], bool] = lambda: False,
) -> ASGIApp:
    """Wire the application; `serving` is what the model's folder says of batches, if it does.

    `differs` tells whether the model is another than the folder says.
    """
    metrics = AdapterMetrics()
    metrics.watch(
        "adapter_model_differs",
        "1: the model does not give its golden vectors, and nobody is served",
        differs,
    )
    jitter = random.Random().random  # noqa: S311 - spreads retries, guards nothing
    batching = Batching.plan(serving, settings)
    dispatcher = _build_dispatcher(settings, batching, embedder, metrics, jitter)
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


def _build_dispatcher(
    settings: AdapterSettings,
    batching: Batching,
    embedder: Embedder,
    metrics: AdapterMetrics,
    jitter: Callable[[], float],
) -> Dispatcher:
    """Let everything that waits on the model wait in one scheduler."""
    batch_metrics = BatchMetrics(metrics.registry)
    throughput = Throughput(settings.tokens_per_second, time.monotonic)
    scheduler = Scheduler(batching.shapes, settings.bulk_patience)
    flights = Flights(embedder, throughput, batch_metrics, batching.batches_max)
    bounds = Bounds(settings.queue_tokens_max, settings.backlog_tokens_max)
    admission = Admission(bounds, scheduler, throughput, jitter)
    _watch(metrics, scheduler, flights, throughput)
    return Dispatcher(
        scheduler,
        flights,
        admission,
        batch_metrics,
        time.monotonic,
        short_tokens_max=settings.short_tokens_max,
    )


def _watch(
    metrics: AdapterMetrics, scheduler: Scheduler, flights: Flights, throughput: Throughput
) -> None:
    metrics.watch(
        "adapter_in_flight_tokens", "Tokens that Triton holds now", lambda: flights.tokens
    )
    metrics.watch_each(
        "adapter_queued_tokens",
        "Tokens that wait now, by lane",
        "lane",
        {lane: partial(scheduler.tokens, lane) for lane in Lane},
    )
    metrics.watch(
        "adapter_tokens_per_second",
        "Measured speed of the model while it works",
        lambda: throughput.tokens_per_second,
    )
