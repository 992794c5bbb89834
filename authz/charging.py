"""Puts together what charges requests in a process that answers checks."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from prometheus_client import CollectorRegistry

from authz.domain.quota.lease_messages import HolderId
from authz.domain.quota.lease_rules import LeaseRules
from authz.service.breaker import Breaker
from authz.service.metrics import QuotaMetrics
from authz.service.quota.book import BudgetBook
from authz.service.quota.charger import Charger
from authz.service.quota.outage import Outage
from authz.service.quota.process_count import ProcessCount
from authz.settings import ServeSettings
from authz.storage.lease_ledger import LeaseLedger
from runtime.boot import microseconds_since_boot

_PATIENCE: Final = 0.55
"""A probe's part of the time that a request waits; what begins it takes a part before."""


@dataclass(frozen=True, slots=True)
class Charging:
    """Charges when a check is answered; counts the processes that do until the process ends."""

    charger: Charger
    processes: ProcessCount


def start_charging(
    settings: ServeSettings, registry: CollectorRegistry, jitter: Callable[[], float]
) -> Charging:
    """Hold leases as somebody whom the ledger has never heard of."""
    rules, metrics = LeaseRules(), QuotaMetrics(registry)
    ledger = LeaseLedger(
        settings.database_url,
        settings.charge_connections + 1,  # for all that no request waits for
        settings.charge_timeout_seconds,
        rules,
    )
    breaker = Breaker(
        ledger.ping,
        settings.outage_probe_seconds,
        settings.charge_timeout_seconds * _PATIENCE,
        settings.outage_grace_seconds,
        time.monotonic,
        metrics,
    )
    processes = ProcessCount(ledger, settings.processes)
    charger = Charger(
        ledger,
        BudgetBook(HolderId(str(uuid4())), rules),
        breaker,
        Outage(breaker, processes, lambda: time.time_ns() // 1000),
        settings.charge_connections,
        settings.charge_linger_seconds,
        settings.charge_timeout_seconds,
        microseconds_since_boot,
        jitter,
        metrics,
    )
    return Charging(charger, processes)
