"""Puts together what keeps usage in a process that answers checks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry

from authz.service.usage.drain import UsageDrain
from authz.service.usage.metrics import UsageMetrics
from authz.service.usage.recent import Recent
from authz.service.usage.record import Paid, UsageRecorder
from authz.service.usage.refund import GiveBack, Refunder
from authz.settings import ServeSettings
from authz.storage.failures_file import FailuresFile
from authz.storage.journal_file import JournalFile
from authz.storage.short_statements import ShortStatements
from authz.storage.usage_counters import UsageCounters
from authz.storage.usage_journal import Ages, UsageJournal
from authz.storage.usage_table import UsageTable
from runtime.boot import read_boot_id

_FREE_BYTES_MIN: Final = 64 * 2**20
_STATEMENT_SECONDS: Final = 5.0
_FAILURES_SECONDS: Final = 0.2
"""With Envoy's own quarter of a second well within what a lease takes a charge back in."""
_PAID_SECONDS: Final = 3.0
"""A lease takes no older charge back."""
_GIVEN_UP_SECONDS: Final = 60.0
"""More than a check takes whose answer nobody waits for."""
_RECENT_MAX: Final = 100_000


@dataclass(frozen=True, slots=True)
class Usage:
    """Records when a check is answered; refunds and drains until the process ends."""

    recorder: UsageRecorder
    refunder: Refunder
    drain: UsageDrain


def keep_usage(
    settings: ServeSettings,
    model: str,
    give_back: GiveBack,
    registry: CollectorRegistry,
    jitter: Callable[[], float],
) -> Usage:
    """Open the journal and what belongs to it; the place of its file is taken already."""
    file = JournalFile(
        settings.usage_journal, settings.usage_journal_bytes_max, _FREE_BYTES_MIN, read_boot_id()
    )
    journal = UsageJournal(file, _now, Ages())
    metrics = UsageMetrics(registry, journal, file, _now)
    paid: Recent[int, Paid] = Recent(_PAID_SECONDS, _RECENT_MAX, time.monotonic)
    given_up: Recent[str, str] = Recent(_GIVEN_UP_SECONDS, _RECENT_MAX, time.monotonic)
    failures = FailuresFile(settings.failures_file)
    statements = ShortStatements(settings.database_url, 1, _STATEMENT_SECONDS)
    refunder = Refunder(journal, failures, give_back, paid, given_up, metrics, _FAILURES_SECONDS)
    return Usage(
        UsageRecorder(journal, model, paid, given_up, metrics),
        refunder,
        UsageDrain(
            file,
            journal,
            UsageCounters(file),
            UsageTable(statements),
            settings.usage_drain_seconds,
            refunder.has_caught_up,
            jitter,
        ),
    )


def _now() -> int:
    return time.time_ns() // 1000
