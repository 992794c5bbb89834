"""A few threads for work that would hold up the event loop, with a bounded queue."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_Result = TypeVar("_Result")


class ThreadsBusyError(Exception):
    """More work is queued than the threads may have waiting."""


class Threads:
    """Runs functions in threads, at most so many waiting."""

    def __init__(self, count: int, queue_max: int) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="adapter")
        self._jobs_max = count + queue_max
        self._jobs = 0

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Return what `work` returns.

        Raises:
            ThreadsBusyError: too much is queued; `work` was not started.
        """
        if self._jobs >= self._jobs_max:
            raise ThreadsBusyError
        return await self.finish(work)

    async def finish(self, work: Callable[[], _Result]) -> _Result:
        """Return what `work` returns, for a request that was let in: it waits, never refused."""
        self._jobs += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        future.add_done_callback(self._forget)
        # When the caller is cancelled the thread works on, and the job counts until it is done.
        return await asyncio.shield(future)

    def close(self) -> None:
        """Let the threads end."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _forget(self, _: asyncio.Future[_Result]) -> None:
        self._jobs -= 1
