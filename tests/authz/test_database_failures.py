"""How failures of the driver are told."""

import asyncio

import asyncpg
import pytest

from authz.domain.undecided import DatabaseError
from authz.storage.failures import as_database_error


async def _break_while_cleaning_up() -> None:
    with as_database_error():
        try:
            await asyncio.sleep(60)
        finally:
            raise asyncpg.InterfaceError("connection is closed")


async def test_a_task_that_is_cancelled_ends_though_its_connection_is_dead() -> None:
    """A loop that goes on after a failure would otherwise outlive SIGTERM."""
    task = asyncio.create_task(_break_while_cleaning_up())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_limit_is_a_failure_though_the_connection_is_dead() -> None:
    """It cancels too, but not for good."""
    with pytest.raises(DatabaseError), as_database_error():
        async with asyncio.timeout(0):
            await _break_while_cleaning_up()
