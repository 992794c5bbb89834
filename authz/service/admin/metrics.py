"""What the control plane counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class CanaryMetrics:
    """How fast keys are revoked, as we see it ourselves."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.seconds = Histogram(
            "tessera_revocation_seconds",
            "From the commit of a revocation until every process that may answer has applied it",
            registry=registry,
            buckets=(
                0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0,
            ),
        )  # fmt: skip
        self.timeouts = Counter(
            "tessera_revocation_timeouts",
            "Revocations that some process had not applied in time: look now",
            registry=registry,
        )


class HousekeepingMetrics:
    """What is done beside the calls."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rehashes = Counter(
            "tessera_rehashed_keys", "Keys that need one pepper again", registry=registry
        )
        self.rehashes_refused = Counter(
            "tessera_rehashes_refused", "Proposed digests that prove nothing", registry=registry
        )
        self.mails = Counter("tessera_notices_sent", "Warnings accepted", registry=registry)
        self.mails_failed = Counter(
            "tessera_notices_failed",
            "Warnings not accepted, each time",
            registry=registry,
        )
        self.partitions_failed = Counter(
            "tessera_usage_partitions_failed",
            "Attempts to make room for usage that came to nothing: it is made days ahead",
            registry=registry,
        )


class ReconciliationMetrics:
    """How far different counts of the same traffic are apart."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Gauge(
            "admin_usage_drift_requests",
            "Requests of the last hour that two counts do not agree on: look now",
            ["between"],
            registry=registry,
        )
        self.tokens = Gauge(
            "admin_usage_drift_tokens",
            "Tokens of the last hour that two counts do not agree on: look now",
            ["between"],
            registry=registry,
        )
        self.compared = Counter(
            "admin_usage_minutes_compared",
            "Minutes whose counts were compared",
            registry=registry,
        )
