"""Turns requests into vectors: the rows of all of them wait in one scheduler."""

from collections.abc import Callable
from itertools import count

from inference.adapter.admission import Admission, Overloaded
from inference.adapter.batch_metrics import BatchMetrics
from inference.adapter.embedder import Batch, EmbedderError, FailureKind, Vectors
from inference.adapter.flights import Flights
from inference.adapter.pending import Pending
from inference.adapter.scheduler.job import Formed, Job
from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.scheduler import Scheduler
from inference.adapter.vectors import NO_EMBEDDING, find_unit_rows, require_unit_rows


class Dispatcher:
    """Sends a batch whenever anything waits and there is room for one.

    Requests share batches and nothing else: rows that fail together are run once more, request by
    request, and a row that is no embedding fails its own request alone. A request that ends early
    takes its waiting rows with it, and a batch that nobody waits for any more is cancelled.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        flights: Flights,
        admission: Admission,
        metrics: BatchMetrics,
        clock: Callable[[], float],
        *,
        short_tokens_max: int,
    ) -> None:
        """A request of at most `short_tokens_max` tokens is short."""
        self._scheduler = scheduler
        self._flights = flights
        self._admission = admission
        self._metrics = metrics
        self._clock = clock
        self._short_tokens_max = short_tokens_max
        self._numbers = count()
        self._pending: dict[Job, Pending] = {}

    async def embed(self, sequences: tuple[list[int], ...], key: str = "") -> Vectors | Overloaded:
        """Return a vector for each sequence, in order; `key` is whose turn is taken.

        Raises:
            EmbedderError: a row has no vector.
        """
        tokens = sum(map(len, sequences))
        lane = Lane.SHORT if tokens <= self._short_tokens_max else Lane.BULK
        if (refusal := self._admission.refuse(lane, key)) is not None:
            return refusal
        if len(sequences) == 1 and self._flights.has_room:  # so nothing waits
            return await self._run_at_once(Batch(sequences, lane), tokens)
        return await self._wait(Job(key, lane, sequences, next(self._numbers)))

    async def _run_at_once(self, batch: Batch, tokens: int) -> Vectors:
        self._metrics.count_wait(batch.lane, 0)
        padded_tokens = self._scheduler.shapes.cost(tokens)
        try:
            return require_unit_rows(await self._flights.run(batch, tokens, padded_tokens))
        finally:
            self._fill()

    async def _wait(self, job: Job) -> Vectors:
        pending = Pending.begin(self._clock(), len(job.sequences))
        self._pending[job] = pending
        self._scheduler.add(job)
        self._fill()
        try:
            result = await pending.outcome
        finally:
            self._forget(job)
        if isinstance(result, BaseException):
            raise result
        return result

    def _fill(self) -> None:
        while self._flights.has_room and (formed := self._scheduler.form()) is not None:
            now = self._clock()
            for job in formed.parts:
                self._metrics.count_wait(job.lane, now - self._pending[job].since)
            self._flights.start(formed, self._land)

    def _land(self, formed: Formed, result: Vectors | BaseException) -> None:
        if not isinstance(result, BaseException):
            self._deliver(formed, result)
        elif formed.is_shared and _is_faulty(result):
            self._retry(formed, list(formed.parts))
        else:
            for job in formed.parts:
                self._settle(job, result)
        self._fill()

    def _deliver(self, formed: Formed, vectors: Vectors) -> None:
        is_unit = find_unit_rows(vectors)
        faulty: list[Job] = []
        end = 0
        for job, positions in formed.parts.items():
            start, end = end, end + len(positions)
            if not is_unit[start:end].all():
                faulty.append(job)
            elif (pending := self._pending.get(job)) is not None:
                whole = pending.put(positions, vectors[start:end])
                if whole is not None:
                    self._settle(job, whole)
        if formed.is_shared:
            self._retry(formed, faulty)
        else:
            for job in faulty:
                self._settle(job, EmbedderError(FailureKind.FAULTY, NO_EMBEDDING))

    def _retry(self, formed: Formed, jobs: list[Job]) -> None:
        """Run these rows of a shared batch once more, of each request by themselves."""
        for job in jobs:
            self._metrics.count_retry()
            if job in self._pending:
                self._scheduler.add_apart(formed.apart(job))

    def _settle(self, job: Job, result: Vectors | BaseException) -> None:
        pending = self._forget(job)
        if pending is not None and not pending.outcome.done():
            pending.outcome.set_result(result)

    def _forget(self, job: Job) -> Pending | None:
        """Drop a request, with what still waits or runs for it alone."""
        pending = self._pending.pop(job, None)
        if pending is not None:
            self._scheduler.withdraw(job)
            self._flights.abandon(job, self._pending)
        return pending


def _is_faulty(error: BaseException) -> bool:
    return isinstance(error, EmbedderError) and error.kind is FailureKind.FAULTY
