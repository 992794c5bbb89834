"""How many decisions are kept."""

from prometheus_client import CollectorRegistry, Counter


class DecisionMetrics:
    """What can be asked for later, and what cannot."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.noted = Counter(
            "authz_decisions_noted", "Decisions that were noted, to be written", registry=registry
        )
        dropped = Counter(
            "authz_decisions_dropped",
            "Decisions that nobody can ask for, because there were too many",
            ["why"],
            registry=registry,
        )
        self.too_many_of_one = dropped.labels("too_many_of_one")
        self.too_many_waiting = dropped.labels("too_many_waiting")
        self.without_id = dropped.labels("without_id")
        self.failed = dropped.labels("failed")
