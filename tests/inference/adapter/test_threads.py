"""Work that is done off the event loop."""

import asyncio
import threading

import pytest

from inference.adapter.threads import Threads, ThreadsBusyError


async def test_work_runs_off_the_event_loop_and_returns_its_result() -> None:
    """The loop goes on while a long body is read."""
    threads = Threads(count=1, queue_max=0)
    assert await threads.run(threading.get_ident) != threading.get_ident()
    threads.close()


async def test_more_work_than_may_wait_is_refused() -> None:
    """A flood of long bodies is answered, not hoarded."""
    threads, release = Threads(count=1, queue_max=1), threading.Event()
    waiting = [asyncio.create_task(threads.run(release.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(ThreadsBusyError):
        await threads.run(release.wait)
    release.set()
    assert await asyncio.gather(*waiting) == [True, True]
    assert await threads.run(lambda: 5) == 5
    threads.close()


async def test_abandoned_work_counts_until_its_thread_is_free() -> None:
    """Clients that leave and come back cannot queue more than the bound."""
    threads, release = Threads(count=1, queue_max=0), threading.Event()
    abandoned = asyncio.create_task(threads.run(release.wait))
    await asyncio.sleep(0)
    abandoned.cancel()
    with pytest.raises(asyncio.CancelledError):
        await abandoned
    with pytest.raises(ThreadsBusyError):
        await threads.run(lambda: 5)
    release.set()
    threads.close()


async def test_what_was_let_in_is_finished_however_much_waits() -> None:
    """It waits for a thread like all else, and is counted beside it."""
    threads, release = Threads(count=1, queue_max=0), threading.Event()
    first = asyncio.create_task(threads.run(release.wait))
    await asyncio.sleep(0)
    last = asyncio.create_task(threads.finish(lambda: 5))
    await asyncio.sleep(0)
    release.set()
    assert (await first, await last) == (True, 5)
    assert await threads.run(lambda: 6) == 6
    threads.close()
