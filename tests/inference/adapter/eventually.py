"""Wait inside an event loop for what happens elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable


async def eventually(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Return once `holds()` is true; fail when it is not within half a minute."""
    async with asyncio.timeout(30):
        while not await _ask(holds):  # noqa: ASYNC110 - what is awaited knows nothing of an event
            await asyncio.sleep(0.005)


async def _ask(holds: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = holds()
    return answer if isinstance(answer, bool) else await answer
