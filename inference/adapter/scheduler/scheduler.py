"""Decides which rows run next, as late as possible: whenever a batch can be sent, and not before.

Two lanes, each fair between keys (`fair_queue.py`), and batches of one lane only, so that a short
request neither waits behind bulk nor is padded to its length:

- Short requests go first, but a lane that is passed over ages: when `patience` short batches have
  been made while bulk waited, the next one is bulk. So bulk has at least one batch in
  `patience + 1`, and of the short batches at most one in `patience` has a bulk batch before it.
- A request without anything of its key's ahead is led into a batch after at most one batch for
  each other key that waits in its lane, and what the other lane is due by the rule above.
- Rows that are to run again, apart, go before both lanes: they have waited already, and there are
  at most as many of them as were in flight.
- Where anything waits, `form` returns a batch.
"""

from collections import deque

from inference.adapter.scheduler.fair_queue import FairQueue
from inference.adapter.scheduler.job import Formed, Job
from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.shapes import Shapes


class Scheduler:
    """All rows that wait for the model."""

    def __init__(self, shapes: Shapes, patience: int) -> None:
        """`patience` is how many short batches may pass bulk that waits."""
        self.shapes = shapes
        self._short = FairQueue(Lane.SHORT, shapes)
        self._bulk = FairQueue(Lane.BULK, shapes)
        self._patience = patience
        self._passed = 0
        self._apart: deque[Formed] = deque()

    def tokens(self, lane: Lane) -> int:
        """Return how many tokens wait in a lane, without padding."""
        return self._lane(lane).tokens

    def tokens_of(self, lane: Lane, key: str) -> int:
        """Return how many of a key's tokens wait in a lane."""
        return self._lane(lane).tokens_of(key)

    def tokens_beyond(self, lane: Lane, most: int) -> int:
        """Return how many tokens the keys have waiting in a lane beyond `most` each."""
        return self._lane(lane).tokens_beyond(most)

    def add(self, job: Job) -> None:
        """Let all rows of a request wait."""
        self._lane(job.lane).add(job)

    def add_apart(self, batch: Formed) -> None:
        """Let rows of one request run once more, with nobody else's."""
        self._apart.append(batch)

    def withdraw(self, job: Job) -> None:
        """Forget the rows of a request that still wait, if any do."""
        self._lane(job.lane).withdraw(job)
        if self._apart:
            self._apart = deque(batch for batch in self._apart if job not in batch.parts)

    def form(self) -> Formed | None:
        """Take the rows of the next batch; none only where none wait."""
        if self._apart:
            return self._apart.popleft()
        if self._bulk.tokens and (self._passed >= self._patience or not self._short.tokens):
            self._passed = 0
            return self._bulk.form()
        self._passed = self._passed + 1 if self._bulk.tokens else 0
        return self._short.form()

    def _lane(self, lane: Lane) -> FairQueue:
        return self._short if lane is Lane.SHORT else self._bulk
