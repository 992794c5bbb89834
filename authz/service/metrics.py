"""What authz counts."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from authz.domain.evidence import Source
from authz.domain.quota.amounts import Dimension
from authz.domain.verdict import Reason
from authz.service.current_directory import CurrentDirectory

UNDECIDED: Final = "undecided"
"""Why a request of a shadow tier would be refused, where it is no limit."""


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
        self.lease_statements = Counter(
            "authz_lease_statements", "Statements that asked for leases", registry=registry
        )
        self.lease_asks = Counter(
            "authz_lease_asks", "Reports and wishes in those statements", registry=registry
        )
        charged = Counter(
            "authz_charges",
            "Requests charged, by what told that there is room",
            ["source"],
            registry=registry,
        )
        self.charged = {source: charged.labels(source) for source in Source}
        shadow = Counter(
            "authz_shadow_refusals",
            "Requests that passed though a limit of a shadow tier would refuse them",
            ["reason"],
            registry=registry,
        )
        self.shadow_refusals = {each: shadow.labels(each) for each in (*Dimension, UNDECIDED)}
        self.leased_requests = Gauge(
            "authz_leased_requests",
            "Held by this process and not used: no other process can have them",
            registry=registry,
        )
        self.leased_tokens = Gauge(
            "authz_leased_tokens",
            "Held by this process and not used: no other process can have them",
            registry=registry,
        )
        self.outages = Counter(
            "authz_charge_outages", "Times that charging fell back", registry=registry
        )
        self.suspicions = Counter(
            "authz_charge_suspicions",
            "Times that the ledger was late with an answer, and was found to be there",
            registry=registry,
        )
        self.outage = Gauge(
            "authz_charge_outage", "1 while a local share stands in", registry=registry
        )
