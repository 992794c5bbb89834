"""What is counted about usage."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge

from authz.domain.undecided import UsageUnavailableError
from authz.domain.usage.pending import Pending
from authz.service.usage.ports import Journal, JournalFile


class UsageMetrics:
    """How well usage is kept; `clock` returns microseconds since 1970."""

    def __init__(
        self,
        registry: CollectorRegistry,
        journal: Journal,
        file: JournalFile,
        clock: Callable[[], int],
    ) -> None:
        self._journal = journal
        self._clock = clock
        refunds = Counter(
            "authz_refunds", "Charges taken back, by who got them", ["where"], registry=registry
        )
        self.to_lease = refunds.labels("lease")
        self.to_month = refunds.labels("month")
        self.to_nobody = refunds.labels("none")
        self.failures = Counter(
            "authz_usage_journal_failures",
            "Checks that could not be written down: each was a 503",
            registry=registry,
        )
        _gauge(
            registry,
            "authz_usage_pending_rows",
            "Charges and counters that PostgreSQL does not have yet",
            lambda: self._pending().rows,
        )
        _gauge(
            registry,
            "authz_usage_refused_rows",
            "Counters that PostgreSQL will not have, for their minute is too far away: look now",
            lambda: self._pending().refused,
        )
        _gauge(
            registry,
            "authz_usage_drained_seconds",
            "Age of the oldest usage that PostgreSQL does not have yet",
            self._age_seconds,
        )
        _gauge(
            registry,
            "authz_usage_journals_put_aside",
            "Files that were damaged: look now",
            lambda: file.put_aside,
        )

    def _pending(self) -> Pending:
        try:
            return self._journal.pending()
        except UsageUnavailableError:
            return Pending()

    def _age_seconds(self) -> float:
        since = self._pending().since
        return 0.0 if since is None else max(0.0, (self._clock() - since) / 1e6)


def _gauge(registry: CollectorRegistry, name: str, what: str, value: Callable[[], float]) -> None:
    Gauge(name, what, registry=registry).set_function(value)
