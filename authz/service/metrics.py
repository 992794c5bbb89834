"""What authz counts."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from authz.domain.verdict import Reason
from authz.service.current_directory import CurrentDirectory


class DirectoryMetrics:
    """How well the directory is followed."""

    def __init__(self, registry: CollectorRegistry, current: CurrentDirectory) -> None:
        age = Gauge(
            "authz_directory_age_seconds",
            "Since the database last confirmed the directory; +Inf before it first did",
            registry=registry,
        )
        age.set_function(lambda: current.age_seconds)
        self.number = Gauge(
            "authz_directory_number", "Number of the last change applied", registry=registry
        )
        self.refusals = Counter(
            "authz_directory_refusals", "Reads refused for bad data: look now", registry=registry
        )
        self.disconnects = Counter(
            "authz_directory_disconnects", "Connections that failed or ended", registry=registry
        )


class CheckMetrics:
    """What was decided, and how long it took."""

    def __init__(self, registry: CollectorRegistry) -> None:
        verdicts = Counter(
            "authz_checks", "Checks answered, by verdict", ["verdict"], registry=registry
        )
        # Looking a child up by its label costs more than counting, so each is looked up once.
        self.allowed = verdicts.labels("allowed")
        self.denied = {reason: verdicts.labels(reason) for reason in Reason}
        self.undecided = verdicts.labels("undecided")
        self.seconds = Histogram(
            "authz_check_seconds",
            "Time from question to verdict",
            registry=registry,
            buckets=(0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.064, 0.256, 1.0),
        )


class QuotaMetrics:
    """How requests are charged."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.statements = Counter(
            "authz_charge_statements", "Statements that charged requests", registry=registry
        )
        self.charges = Counter(
            "authz_charges", "Requests that those statements charged for", registry=registry
        )
        self.outages = Counter(
            "authz_charge_outages", "Times that charging fell back", registry=registry
        )
        self.outage = Gauge(
            "authz_charge_outage", "1 while a local share stands in", registry=registry
        )
