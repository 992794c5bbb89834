"""What the process that reports usage counts."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

_LATENCY_BUCKETS: Final = (0.002, 0.005, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)


class ReportMetrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reports = Counter(
            "tessera_usage_reports",
            "Requests for usage by the status they were answered with",
            ["status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "tessera_usage_report_seconds",
            "From a request for usage to its answer",
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )

    def count_report(self, status: int, seconds: float) -> None:
        """Count an answer."""
        self._reports.labels(status).inc()
        self._seconds.observe(seconds)
