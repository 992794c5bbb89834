"""What the access log tells, counted by the minute in which it was charged."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Final

import pytest
from prometheus_client import CollectorRegistry

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.traffic import Traffic
from authz.rpc.access_log import AccessLogServicer
from authz.service.count_traffic import TrafficCounter
from authz.service.write_later import LateWriter
from proto.tessera.envoy.v1.access_log_pb2 import HttpAccessLogEntry, StreamAccessLogsMessage
from tests.authz.doubles import NOW

_MINUTE: Final = int(NOW.timestamp()) // 60
_COST: Final = Amounts(1, 44)


class _Counting:
    """The servicer that Envoy streams to, and what is written down."""

    def __init__(self) -> None:
        self.now = NOW
        self.written: dict[datetime, Traffic] = {}
        self._writer: LateWriter[datetime, Traffic] = LateWriter(
            "traffic", self._write, 3600, lambda: 1.0
        )
        self._servicer = AccessLogServicer(
            CollectorRegistry(), TrafficCounter(self._writer, lambda: self.now)
        )

    async def _write(self, batch: Mapping[datetime, Traffic]) -> None:
        self.written |= batch

    async def see(self, *entries: HttpAccessLogEntry) -> dict[datetime, Traffic]:
        """Stream entries; return what is written down by then."""
        message = StreamAccessLogsMessage()
        message.http_logs.log_entry.extend(entries)

        async def messages() -> AsyncIterator[StreamAccessLogsMessage]:
            yield message

        await self._servicer.stream_access_logs(messages(), None)  # type: ignore[arg-type]
        await self._writer.flush()
        return self.written


def _entry(
    status: int = 200,
    *flags: str,
    minute: str = str(_MINUTE),
    charged: str = "44",
    served: str | None = "44",
    was_sent: bool = True,
) -> HttpAccessLogEntry:
    entry = HttpAccessLogEntry()
    entry.request.request_headers.update(
        {"x-tessera-minute": minute, "x-tessera-tokens": charged, "x-tessera-key": "k"}
    )
    if status:
        entry.response.response_code.value = status
    for flag in flags:
        setattr(entry.common_properties.response_flags, flag, True)
    if served is not None:
        metadata = entry.common_properties.metadata.filter_metadata["tessera"]
        metadata["x-tessera-served-tokens"] = served
    entry.common_properties.upstream_wire_bytes_sent = 500 if was_sent else 0
    return entry


_LEFT: Final = "downstream_connection_termination"


@pytest.mark.parametrize(
    ("entry", "counted"),
    [
        (_entry(), Traffic(seen=_COST, served=_COST)),
        (_entry(served="45"), Traffic(seen=_COST, served=Amounts(1, 45))),
        (_entry(served=None), Traffic(seen=_COST)),
        (_entry(200, _LEFT), Traffic(seen=_COST, served=_COST)),
        (_entry(200, "stream_idle_timeout"), Traffic(seen=_COST, served=_COST)),
        (_entry(200, "upstream_connection_termination"), Traffic()),
        (_entry(500, served=None), Traffic()),
        (_entry(400, served=None), Traffic()),
        (_entry(0, _LEFT, served=None), Traffic(left=_COST)),
        (_entry(0, "downstream_remote_reset", served=None), Traffic(left=_COST)),
        (_entry(0, _LEFT, served=None, was_sent=False), Traffic()),
        (_entry(503, "no_healthy_upstream", served=None, was_sent=False), Traffic()),
    ],
    ids=[
        *(
            "served",
            "counted otherwise",
            "not told",
            "left while reading",
            "stopped reading",
            "cut off",
            "failed",
        ),
        *("refused upstream", "left", "reset", "left in time", "nobody there"),
    ],
)
async def test_what_is_paid_is_counted(entry: HttpAccessLogEntry, counted: Traffic) -> None:
    """And what is refunded is not; by the rule that refunds go by."""
    written = await _Counting().see(entry)
    assert written == {NOW.replace(second=0): counted}


async def test_a_minute_is_the_one_in_which_it_was_charged() -> None:
    """However late the entry comes; each process's counts only grow."""
    counting = _Counting()
    await counting.see(_entry(), _entry(minute=str(_MINUTE - 2)))
    counting.now += timedelta(minutes=30)
    written = await counting.see(_entry())
    assert {each: traffic.seen.requests for each, traffic in written.items()} == {
        NOW: 2,
        NOW - timedelta(minutes=2): 1,
    }


@pytest.mark.parametrize(
    "entry",
    [
        HttpAccessLogEntry(),
        _entry(minute=""),
        _entry(minute="x"),
        _entry(minute="-1"),
        _entry(minute="9" * 400),
        _entry(minute="٣"),
        _entry(minute=str(_MINUTE - 61)),
        _entry(minute=str(_MINUTE + 6)),
        _entry(charged="x"),
    ],
    ids=["nothing", "empty", "word", "negative", "huge", "other digits", "past", "future", "cost"],
)
async def test_what_was_not_charged_is_not_counted(entry: HttpAccessLogEntry) -> None:
    """Nor what makes no sense; it ends nothing."""
    counting = _Counting()
    written = await counting.see(entry, _entry())
    assert sum((each.seen for each in written.values()), NOTHING) == _COST


async def test_minutes_are_forgotten_when_nothing_is_told_of_them_any_more() -> None:
    """Or a process that runs for a year would keep all of them."""
    counting = _Counting()
    for minutes in range(200):
        counting.now = NOW + timedelta(minutes=minutes)
        await counting.see(_entry(minute=str(_MINUTE + minutes)))
    counter = counting._servicer._traffic
    assert len(counter._minutes) <= 61
    assert len(counting.written) == 200
