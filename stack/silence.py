"""Notice a process that hangs: it lives, and answers nothing."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from stack.process import Probe, Process
from stack.spawn import Spawned

_QUESTIONS_MIN: Final = 3
"""Time alone proves nothing: it also passes while we ourselves, or the machine, are stopped."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a process may answer nothing before it is replaced."""

    pause_seconds: float = 2.0
    """Between two questions."""
    answer_seconds: float = 5.0
    """For one answer; it is long, because a process that is only busy answers late."""
    silence_seconds: float = 15.0
    """From the first question of several in a row that were not answered."""


async def end_of(process: Process, spawned: Spawned, patience: Patience) -> str:
    """Wait for the end of a process, or bring it about if it hangs; return what happened."""
    reason = None

    async def stop_when_silent() -> None:
        nonlocal reason
        await _until_silent(process.answers, patience)
        reason = f"gave no answer for {patience.silence_seconds:g} s and was ended"
        spawned.stop()

    watch = asyncio.create_task(stop_when_silent())
    try:
        code = await spawned.ended()
    finally:
        watch.cancel()
    return reason or f"ended with exit code {code}"


async def _until_silent(answers: Probe, patience: Patience) -> None:
    unanswered = 0
    since = 0.0
    while True:
        asked = time.monotonic()
        if await _in_time(answers, patience.answer_seconds):
            unanswered = 0
        else:
            unanswered += 1
            since = asked if unanswered == 1 else since
            silence = time.monotonic() - since
            if unanswered >= _QUESTIONS_MIN and silence >= patience.silence_seconds:
                return
        await asyncio.sleep(patience.pause_seconds)


async def _in_time(answers: Probe, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await answers()
    except TimeoutError:
        return False
