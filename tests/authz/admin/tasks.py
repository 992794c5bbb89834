"""Tasks that run until they are stopped, on connections that are lost now and then."""

import asyncio
from typing import Final

KILL_ADMIN: Final = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE application_name = 'tessera-admin' AND datname = current_database()
"""
"""Ends every connection of every admin process to this database."""

_PATIENCE_SECONDS: Final = 20.0


async def stop(task: "asyncio.Task[None]") -> None:
    """End a task; one that had failed, or does not end, is told."""
    task.cancel()
    await asyncio.wait([task], timeout=_PATIENCE_SECONDS)
    assert task.done()
    if not task.cancelled():
        task.result()
