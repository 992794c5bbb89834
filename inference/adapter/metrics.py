"""What the adapter counts."""

from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from inference.adapter.embedder import FailureKind

_LATENCY_BUCKETS: Final = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
    *(1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0),
)


class AdapterMetrics:
    """The metrics of one adapter process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "adapter_requests",
            "Requests by route and status; status 499: the client left first",
            ["route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "adapter_request_duration_seconds",
            "From a request's headers to the end of its answer",
            ["route"],
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._tokens = Counter(
            "adapter_tokens", "Tokens embedded and answered", registry=self.registry
        )
        self._usage_mismatches = Counter(
            "adapter_usage_mismatches",
            "Requests whose tokens differ from what authz charged",
            registry=self.registry,
        )
        self._failures = Counter(
            "adapter_triton_failures",
            "Requests that the model gave no vectors for, by kind",
            ["kind"],
            registry=self.registry,
        )
        for kind in FailureKind:
            self._failures.labels(kind)  # so that each is exported as 0 from the start

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """Count one request's outcome."""
        self._requests.labels(route, status).inc()
        self._seconds.labels(route).observe(seconds)

    def count_tokens(self, tokens: int) -> None:
        """Count tokens that a client got vectors for."""
        self._tokens.inc(tokens)

    def count_usage_mismatch(self) -> None:
        """Count a request that was charged for other tokens than it holds."""
        self._usage_mismatches.inc()

    def count_failure(self, kind: FailureKind) -> None:
        """Count a request that got no vectors."""
        self._failures.labels(kind).inc()

    def watch(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Export a gauge that is read when it is scraped."""
        Gauge(name, description, registry=self.registry).set_function(read)

    def watch_each(
        self, name: str, description: str, label: str, reads: Mapping[str, Callable[[], float]]
    ) -> None:
        """Export gauges that differ in a label's value, each read when it is scraped."""
        gauge = Gauge(name, description, [label], registry=self.registry)
        for value, read in reads.items():
            gauge.labels(value).set_function(read)
