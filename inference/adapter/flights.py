"""The batches that Triton holds: few, so that what runs next is decided late."""

import asyncio
from collections.abc import Callable, Container
from functools import partial

from inference.adapter.batch_metrics import BatchMetrics
from inference.adapter.embedder import Batch, Embedder, EmbedderError, FailureKind, Vectors
from inference.adapter.scheduler.job import Formed, Job
from inference.adapter.throughput import Throughput

Land = Callable[[Formed, Vectors | BaseException], None]


class Flights:
    """Sends batches, and frees a batch's place whatever becomes of it."""

    def __init__(
        self,
        embedder: Embedder,
        throughput: Throughput,
        metrics: BatchMetrics,
        batches_max: int,
    ) -> None:
        self._embedder = embedder
        self._throughput = throughput
        self._metrics = metrics
        self._batches_max = batches_max
        self._batches = 0
        self._tokens = 0
        self._tasks: dict[Formed, asyncio.Task[Vectors]] = {}

    @property
    def has_room(self) -> bool:
        """Tell whether one more may be sent."""
        return self._batches < self._batches_max

    @property
    def tokens(self) -> int:
        """Tokens on the way, without padding."""
        return self._tokens

    async def run(self, batch: Batch, tokens: int, padded_tokens: int) -> Vectors:
        """Send a batch that belongs to the caller alone; cancelling cancels it.

        Raises:
            EmbedderError: there are no vectors.
        """
        self._enter(len(batch.sequences), tokens, padded_tokens)
        try:
            return await self._embed(batch, tokens)
        finally:
            self._leave(tokens)

    def start(self, formed: Formed, land: Land) -> None:
        """Send a batch; `land` is called with what came of it, after its place is free."""
        batch = Batch(formed.sequences, formed.lane)
        self._enter(len(batch.sequences), formed.tokens, formed.padded_tokens)
        task = asyncio.create_task(self._embed(batch, formed.tokens))
        self._tasks[formed] = task
        # Not in the task itself, whose code never runs if it is cancelled before it begins.
        task.add_done_callback(partial(self._end, formed, land))

    def abandon(self, job: Job, wanted: Container[Job]) -> None:
        """Cancel the batches with rows of a job, and of nobody who is wanted."""
        for formed, task in self._tasks.items():
            if job in formed.parts and not any(other in wanted for other in formed.parts):
                task.cancel()

    def _end(self, formed: Formed, land: Land, task: asyncio.Task[Vectors]) -> None:
        del self._tasks[formed]
        self._leave(formed.tokens)
        if task.cancelled():
            land(formed, EmbedderError(FailureKind.UNAVAILABLE, "the call was cancelled"))
        else:
            land(formed, task.exception() or task.result())

    async def _embed(self, batch: Batch, tokens: int) -> Vectors:
        with self._throughput.measure(tokens):
            return await self._embedder.embed(batch)

    def _enter(self, rows: int, tokens: int, padded_tokens: int) -> None:
        self._batches += 1
        self._tokens += tokens
        self._metrics.count_batch(rows, tokens, padded_tokens)

    def _leave(self, tokens: int) -> None:
        self._batches -= 1
        self._tokens -= tokens
