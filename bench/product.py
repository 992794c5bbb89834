"""The product under load: a whole stack of its own, with limits too high to be met."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import asyncpg

from stack.launch import RunningStack, running_stack
from stack.options import Options
from stack.plan import database_url

MODEL: Final = "Qwen/Qwen3-Embedding-8B"

_RAISE_LIMITS: Final = """
    UPDATE tiers SET requests_per_minute = 60000000, tokens_per_minute = 100000000000,
                     tokens_per_month = 1000000000000000
"""
_FOLLOWED_SECONDS: Final = 2.0
"""By then every authz process has heard of a change, at the latest by polling."""


@contextlib.contextmanager
def running_product(folder: Path) -> Iterator[RunningStack]:
    """Run a stack in `folder` on a free port."""
    with running_stack(Options(state=folder / "state", port=0)) as stack:
        asyncio.run(_raise_limits(stack))
        yield stack


async def _raise_limits(stack: RunningStack) -> None:
    connection = await asyncpg.connect(database_url(stack.layout), timeout=10)
    try:
        await connection.execute(_RAISE_LIMITS, timeout=10)
    finally:
        await connection.close()
    await asyncio.sleep(_FOLLOWED_SECONDS)
