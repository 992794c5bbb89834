"""Wait for what happens in another task or process."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], timeout_seconds: float = 20) -> None:
    """Return once `holds()` is true; raise `TimeoutError` at the limit."""
    async with asyncio.timeout(timeout_seconds):
        while not holds():  # noqa: ASYNC110 what is waited for sets no event
            await asyncio.sleep(0.002)
