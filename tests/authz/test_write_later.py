"""What is written behind requests: batches, outages, the end."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from authz.domain.directory import KeyId
from authz.domain.undecided import DatabaseError
from authz.service.note_uses import KeyUses
from authz.service.write_later import LateWriter
from tests.authz.doubles import NOW
from tests.authz.until import until


class _Table:
    """A table in memory that can be away or slow."""

    def __init__(self) -> None:
        self.batches: list[dict[KeyId, Any]] = []
        self.is_down = False
        self.gate: asyncio.Event | None = None

    @property
    def rows(self) -> dict[KeyId, Any]:
        """What is written by now."""
        return {name: value for batch in self.batches for name, value in batch.items()}

    async def write(self, batch: Mapping[KeyId, Any]) -> None:
        """Write, or fail."""
        if self.gate is not None:
            await self.gate.wait()
        if self.is_down:
            raise DatabaseError("down")
        self.batches.append(dict(batch))


@pytest.fixture
def table() -> _Table:
    """An empty table."""
    return _Table()


@pytest.fixture
def writer(table: _Table) -> LateWriter[KeyId, Any]:
    """A writer that hurries."""
    return LateWriter("things", table.write, 0.001, lambda: 1.0)


def _name(number: int) -> KeyId:
    return KeyId(UUID(int=number))


async def test_what_was_put_is_written_once(writer: LateWriter[KeyId, Any], table: _Table) -> None:
    """And a flush without anything to write writes nothing."""
    writer.put(_name(1), "a")
    await writer.flush()
    await writer.flush()
    assert table.batches == [{_name(1): "a"}]


async def test_batches_are_bounded_and_in_order(
    writer: LateWriter[KeyId, Any], table: _Table
) -> None:
    """So two processes lock the same rows in the same order."""
    for number in range(1201, 0, -1):
        writer.put(_name(number), number)
    await writer.flush()
    assert [len(batch) for batch in table.batches] == [500, 500, 201]
    assert all(list(batch) == sorted(batch) for batch in table.batches)
    assert len(table.rows) == 1201


async def test_an_outage_loses_nothing_and_keeps_one_value_per_key(
    writer: LateWriter[KeyId, Any], table: _Table
) -> None:
    """What waits is bounded by the keys, however long it takes; it is logged at both ends."""
    table.is_down = True
    with capture_logs() as logs:
        for value in range(100):
            writer.put(_name(value % 2), value)
            await writer.flush()
        assert len(writer) == 2
        table.is_down = False
        await writer.flush()
    assert table.batches == [{_name(0): 98, _name(1): 99}]
    assert [entry["event"] for entry in logs] == ["writes.delayed", "writes.resumed"]


async def test_a_value_that_comes_during_a_write_is_written_next(
    writer: LateWriter[KeyId, Any], table: _Table
) -> None:
    """It does not go down with the one it replaces."""
    table.gate = asyncio.Event()
    writer.put(_name(1), "first")
    flush = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    writer.put(_name(1), "second")
    table.gate.set()
    await flush
    assert table.batches == [{_name(1): "first"}, {_name(1): "second"}]


async def test_it_runs_by_itself_through_an_outage(
    writer: LateWriter[KeyId, Any], table: _Table
) -> None:
    """Nobody has to tell it."""
    table.is_down = True
    running = asyncio.create_task(writer.run())
    writer.put(_name(1), "a")
    await asyncio.sleep(0.02)
    table.is_down = False
    await until(lambda: table.rows == {_name(1): "a"})
    running.cancel()


async def test_the_end_writes_what_waits(writer: LateWriter[KeyId, Any], table: _Table) -> None:
    """Also what a flush had begun that was cancelled."""
    table.gate = asyncio.Event()
    writer.put(_name(1), "a")
    flush = asyncio.create_task(writer.flush())
    await asyncio.sleep(0)
    flush.cancel()
    table.gate.set()
    await writer.close(timeout_seconds=10)
    assert table.rows == {_name(1): "a"}


async def test_the_end_does_not_wait_for_a_database_that_is_silent(
    writer: LateWriter[KeyId, Any], table: _Table
) -> None:
    """It says how much was lost."""
    table.gate = asyncio.Event()
    writer.put(_name(1), "a")
    with capture_logs() as logs:
        await writer.close(timeout_seconds=0.01)
    assert [(entry["event"], entry["count"]) for entry in logs] == [("writes.lost", 1)]


async def test_the_first_use_is_always_written(
    writer: LateWriter[KeyId, Any], table: _Table
) -> None:
    """Of a key that is never used again, too."""
    uses = KeyUses(writer)
    uses.note(_name(1), NOW)
    await writer.flush()
    assert table.rows == {_name(1): NOW}


async def test_a_key_is_written_once_a_minute(
    writer: LateWriter[KeyId, Any], table: _Table
) -> None:
    """However often it is used."""
    uses = KeyUses(writer)
    for second in range(180):
        uses.note(_name(1), NOW + timedelta(seconds=second))
        await writer.flush()
    assert [batch[_name(1)] for batch in table.batches] == [
        NOW + timedelta(minutes=minute) for minute in range(3)
    ]


async def test_a_clock_that_was_set_back_silences_nothing(
    writer: LateWriter[KeyId, Any], table: _Table
) -> None:
    """Uses are noted by the time that it is now."""
    uses = KeyUses(writer)
    uses.note(_name(1), NOW)
    await writer.flush()
    uses.note(_name(1), NOW - timedelta(days=1))
    await writer.flush()
    assert len(table.batches) == 2
