"""Scan batches of files in several processes: Python searches bytes on one core only."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from multiprocessing import get_context
from typing import Final

from cli.scan.files import scan_files
from cli.scan.findings import Problem, Report
from cli.scan.tree import File

JOBS_MAX: Final = 8
_BATCH_FILES: Final = 256
_BATCH_BYTES: Final = 16 << 20
_ALONE_BATCHES: Final = 3
_ALONE_BYTES: Final = 64 << 20
_POLL_SECONDS: Final = 0.25
_SET_PDEATHSIG: Final = 1

Batch = tuple[File, ...]


def default_jobs() -> int:
    """Return as many processes as there are cores for us, up to a bound."""
    return min(JOBS_MAX, len(os.sched_getaffinity(0)))


def scan_all(files: Iterable[File], jobs: int, tick: Callable[[], None]) -> Iterator[Report]:
    """Yield a report for each batch; start processes only when there is enough to do.

    `tick` is called now and then while there is nothing to yield.
    """
    batches = _batches(files)
    first: list[Batch] = []
    size = 0
    for batch in batches:
        first.append(batch)
        size += sum(file.size_bytes for file in batch)
        if len(first) > _ALONE_BATCHES or size > _ALONE_BYTES:
            yield from _scan_together(chain(first, batches), jobs, tick)
            return
    yield from map(scan_files, first)


def _batches(files: Iterable[File]) -> Iterator[Batch]:
    batch: list[File] = []
    size = 0
    for file in files:
        batch.append(file)
        size += file.size_bytes
        if len(batch) == _BATCH_FILES or size >= _BATCH_BYTES:
            yield tuple(batch)
            batch, size = [], 0
    if batch:
        yield tuple(batch)


def _scan_together(
    batches: Iterable[Batch], jobs: int, tick: Callable[[], None]
) -> Iterator[Report]:
    # A fork is ready at once, where a fresh interpreter would import the whole command again.
    # All are forked at the first submit, before the pool starts a thread.
    with ProcessPoolExecutor(jobs, get_context("fork"), _follow_parent, (os.getpid(),)) as pool:
        pending: set[Future[Report]] = set()
        try:
            for batch in batches:
                pending.add(pool.submit(scan_files, batch))
                while len(pending) > 2 * jobs:
                    done, pending = wait(pending, _POLL_SECONDS, FIRST_COMPLETED)
                    tick()
                    yield from (future.result() for future in done)
            while pending:
                done, pending = wait(pending, _POLL_SECONDS, FIRST_COMPLETED)
                tick()
                yield from (future.result() for future in done)
        except BrokenProcessPool:
            reason = "a scanning process was killed, so not all files were read"
            yield Report(problems=(Problem("", reason),))


def _follow_parent(parent: int) -> None:
    """End with the parent, however it ends, and on Ctrl-C without a word."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:  # it ended before the line above took effect
            os._exit(1)
