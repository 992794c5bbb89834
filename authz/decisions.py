"""Puts together what keeps decisions, and counts what is logged, where checks are answered."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from prometheus_client import CollectorRegistry

from authz.domain.decision import Decision
from authz.domain.traffic import Traffic
from authz.service.count_traffic import TrafficCounter
from authz.service.current_directory import CurrentDirectory
from authz.service.decisions.allotment import Bounds
from authz.service.decisions.metrics import DecisionMetrics
from authz.service.decisions.record import DecisionRecorder
from authz.service.write_later import LateWriter
from authz.settings import ServeSettings
from authz.storage.decision_table import DecisionTable
from authz.storage.short_statements import ShortStatements
from authz.storage.traffic_table import TrafficTable


@dataclass(frozen=True, slots=True)
class Records:
    """Noted when a check is answered, counted when it has ended, written until the process ends."""

    recorder: DecisionRecorder
    traffic: TrafficCounter
    writers: tuple[LateWriter[str, Decision], LateWriter[datetime, Traffic]]


def keep_decisions(
    settings: ServeSettings,
    process: str,
    current: CurrentDirectory,
    statements: ShortStatements,
    registry: CollectorRegistry,
    jitter: Callable[[], float],
) -> Records:
    """Write by `statements`; `process` is the name by which this one is known."""
    interval = settings.decisions_interval_seconds
    decisions = LateWriter("decisions", DecisionTable(statements).write, interval, jitter)
    # Another writer after each start, because the counts begin at nothing again.
    table = TrafficTable(statements, uuid4())
    traffic = LateWriter("traffic", table.write, interval, jitter)
    recorder = DecisionRecorder(
        decisions,
        current,
        process,
        settings.decisions_sample,
        Bounds(
            settings.decisions_each_max,
            settings.decisions_strangers_max,
            settings.decisions_waiting_max,
        ),
        DecisionMetrics(registry),
        _now,
        time.monotonic,
    )
    return Records(recorder, TrafficCounter(traffic, _now), (decisions, traffic))


def _now() -> datetime:
    return datetime.now(UTC)
