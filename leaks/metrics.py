"""What the receiver counts."""

from contextlib import AbstractContextManager, ExitStack
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from leaks.receive import Outcome

_LATENCY_BUCKETS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)

Fetch = Literal["fetched", "failed"]


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reports = Counter(
            "leaks_reports",
            "Reports by the code they were answered with; `ok`: dealt with",
            ["code"],
            registry=self.registry,
        )
        self._findings = Counter(
            "leaks_findings",
            "Findings of good reports, by what came of them",
            ["outcome"],
            registry=self.registry,
        )
        self._fetches = Counter(
            "leaks_public_key_fetches",
            "Attempts to fetch the public keys",
            ["outcome"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "leaks_report_duration_seconds",
            "From a report's headers to its answer",
            buckets=_LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._in_progress = Gauge(
            "leaks_reports_in_progress", "Reports that are dealt with now", registry=self.registry
        )
        for outcome in Outcome:
            self._findings.labels(outcome)  # so that each is exported as 0 from the start
        for fetch in ("fetched", "failed"):
            self._fetches.labels(fetch)

    def track_report(self) -> AbstractContextManager[object]:
        """Time a report, and count it as long as the block lasts."""
        tracking = ExitStack()
        tracking.enter_context(self._in_progress.track_inprogress())
        tracking.enter_context(self._seconds.time())
        return tracking

    def count_report(self, code: str) -> None:
        """Count a report's answer."""
        self._reports.labels(code).inc()

    def count_finding(self, outcome: Outcome) -> None:
        """Count what came of one finding."""
        self._findings.labels(outcome).inc()

    def count_fetch(self, outcome: Fetch) -> None:
        """Count an attempt to fetch the public keys."""
        self._fetches.labels(outcome).inc()
