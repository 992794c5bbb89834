"""`kill -9` of authz processes under load, again and again, while a customer counts."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Callable

from stack.launch import RunningStack
from stack.status import UnitState
from tests.chaos.counting import Customer

_READY_SECONDS = 60.0


async def kill_again_and_again(
    stack: RunningStack,
    customer: Customer,
    names: tuple[str, ...],
    kills: int,
    seed: int,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Kill one after the other, each at a random moment after all answer again."""
    draw = random.Random(seed)  # noqa: S311 no secret
    asking = asyncio.create_task(customer.run())
    try:
        for number in range(kills):
            await _until_all_ready(stack, names)
            name = names[number % len(names)]
            await asyncio.sleep(draw.uniform(0.05, 0.6))
            restarts = stack.unit(name).restarts
            with contextlib.suppress(ProcessLookupError):
                os.kill(stack.pid(name), signal.SIGKILL)
            await _until(lambda name=name, was=restarts: stack.unit(name).restarts > was)  # type: ignore[misc]
            tell(f"kill {number + 1} of {kills}: {customer.seen.requests} answered so far")
        await _until_all_ready(stack, names)
    finally:
        customer.stop()
        await asking


async def _until_all_ready(stack: RunningStack, names: tuple[str, ...]) -> None:
    await _until(lambda: {stack.unit(name).state for name in names} == {UnitState.READY})


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_READY_SECONDS):
        while not holds():  # noqa: ASYNC110 what is waited for sets no event
            await asyncio.sleep(0.02)
