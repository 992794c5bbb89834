"""Wait for what happens in another task or process."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], bool], timeout_seconds: float = 20) -> None:
    """Return once `holds()` is true; raise `TimeoutError` at the limit."""
    async with asyncio.timeout(timeout_seconds):
        while not holds():  # noqa: ASYNC110 what is waited for sets no event
            await asyncio.sleep(0.002)


async def until_told(asks: Callable[[], Awaitable[bool]], timeout_seconds: float = 30) -> None:
    """Return once `await asks()` is true; who is asked has time to come to that."""
    async with asyncio.timeout(timeout_seconds):
        while not await asks():  # noqa: ASYNC110 it is told by another process
            await asyncio.sleep(0.005)
