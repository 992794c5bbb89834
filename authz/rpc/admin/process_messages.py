"""Processes on the wire."""

from datetime import datetime, timedelta
from typing import Final

from authz.domain.administration.records import ProcessRecord
from authz.rpc.admin.times import to_timestamp
from proto.tessera.admin.v1.processes_pb2 import Process

_SILENT_AFTER: Final = timedelta(seconds=5)
"""A process that is well tells of itself about every second."""


def to_process(record: ProcessRecord, now: datetime) -> Process:
    """Write a process as it stands at `now`."""
    return Process(
        name=record.name,
        start_time=to_timestamp(record.started_at),
        seen_time=to_timestamp(record.seen_at),
        fence_time=to_timestamp(record.fenced_at),
        change_number=record.number,
        pepper_ids=sorted(record.peppers),
        silent=now - record.seen_at > _SILENT_AFTER,
    )
