"""Tasks that run until they are stopped, on connections that are lost now and then."""

import asyncio
from contextlib import suppress
from typing import Final

KILL_ADMIN: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'tessera-admin' AND datname = current_database()
"""
"""Ends every connection of every admin process to this database."""


async def stop(task: "asyncio.Task[None]") -> None:
    """End a task; one that had failed is told."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
