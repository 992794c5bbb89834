"""Runs one request's batches side by side, within what the process may have in flight."""

import asyncio
from collections.abc import Callable

import numpy as np

from inference.adapter.admission import Backlog, Overloaded
from inference.adapter.batches import plan_batches
from inference.adapter.embedder import Batch, Embedder, Vectors
from inference.adapter.gate import TokenGate
from inference.adapter.throughput import Throughput
from inference.adapter.vectors import require_unit_rows
from inference.tensors import ROWS_MAX


class Dispatcher:
    """Turns a request's sequences into vectors.

    A request has at most `batches_at_once` batches in the gate, so the batches of a huge request
    and those of small ones take turns.
    """

    def __init__(
        self,
        embedder: Embedder,
        gate: TokenGate,
        backlog: Backlog,
        throughput: Throughput,
        *,
        batch_tokens_max: int,
        batches_at_once: int,
    ) -> None:
        self._embedder = embedder
        self._gate = gate
        self._backlog = backlog
        self._throughput = throughput
        self._batch_tokens_max = batch_tokens_max
        self._batches_at_once = batches_at_once

    async def embed(self, sequences: tuple[list[int], ...]) -> Vectors | Overloaded:
        """Return a vector for each sequence, in order.

        Raises:
            EmbedderError: one batch failed; the others were cancelled.
        """
        batches = list(plan_batches(sequences, self._batch_tokens_max, ROWS_MAX))
        if (refusal := self._backlog.refuse(len(batches))) is not None:
            return refusal
        with self._backlog.accept(sum(batch.tokens for batch in batches)) as serve:
            if len(sequences) == 1:
                return await self._run(batches[0], serve)
            return _in_order(batches, await self._run_all(batches, serve))

    async def _run_all(
        self, batches: list[Batch], serve: Callable[[int], None]
    ) -> dict[int, Vectors]:
        results: dict[int, Vectors] = {}
        pending = iter(range(len(batches)))

        async def work() -> None:
            for index in pending:  # shared by all workers, so each batch is run once
                results[index] = await self._run(batches[index], serve)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._batches_at_once, len(batches))):
                    group.create_task(work())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return results

    async def _run(self, batch: Batch, serve: Callable[[int], None]) -> Vectors:
        tokens = batch.tokens
        async with self._gate.hold(tokens):
            with self._throughput.measure(tokens):
                vectors = require_unit_rows(await self._embedder.embed(batch))
        serve(tokens)
        return vectors


def _in_order(batches: list[Batch], results: dict[int, Vectors]) -> Vectors:
    rows = sum(len(batch.positions) for batch in batches)
    vectors = np.empty((rows, results[0].shape[1]), dtype=np.float32)
    for index, batch in enumerate(batches):
        vectors[list(batch.positions)] = results[index]
    return vectors
