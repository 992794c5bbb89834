"""Requests made of lengths, and what batches hold of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice

from inference.adapter.scheduler.fair_queue import FairQueue
from inference.adapter.scheduler.job import Formed, Job
from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.scheduler import Scheduler
from inference.serving import Bucket

BUCKETS = (Bucket(4, 8), Bucket(8, 4), Bucket(16, 2))


@dataclass
class Requests:
    """Makes jobs, numbered as they come."""

    lane: Lane = Lane.SHORT
    numbers: Iterator[int] = field(default_factory=count)

    def make(self, key: str, *lengths: int, lane: Lane | None = None) -> Job:
        """Return a request of a key with rows of these lengths."""
        rows = tuple([1] * length for length in lengths)
        return Job(key, lane or self.lane, rows, next(self.numbers))


def drain(queue: FairQueue | Scheduler) -> list[Formed]:
    """Take batches until nothing waits."""
    return list(iter(queue.form, None))


def leader(formed: Formed) -> Job:
    """Return whose row a batch was made for."""
    return next(iter(formed.parts))


def leaders(queue: FairQueue | Scheduler, batches: int) -> list[str]:
    """Take so many batches; return whose row each was made for."""
    return [leader(formed).key for formed in islice(iter(queue.form, None), batches)]


def served(formed: Formed, key: str) -> int:
    """Return what a batch computes for a key, padding included."""
    return sum(
        formed.shape.cost(len(job.sequences[position]))
        for job, positions in formed.parts.items()
        for position in positions
        if job.key == key
    )
