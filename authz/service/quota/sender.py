"""Sends asks to the ledger: all that are due in one statement, whenever a connection is free."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import structlog

from authz.domain.quota.lease_messages import Answer, Ask
from authz.domain.undecided import DatabaseError
from authz.service.metrics import QuotaMetrics
from authz.service.ports import LeaseLedger
from authz.service.quota.budget import Budget

_BATCH_MAX: Final = 500

_log = structlog.get_logger()

Batch: TypeAlias = Sequence[tuple[Budget, Ask]]


class Sender:
    """Sees that each ask that is sent is answered by a call of `hear`, or missed by one of `miss`.

    Of one budget no two asks are under way at once. `hear` gets nothing for an answer where the
    ledger knows of no such budget; `miss` gets a batch, and what failed.
    """

    def __init__(
        self,
        ledger: LeaseLedger,
        connections: int,
        hear: Callable[[Budget, Ask, Answer | None], None],
        miss: Callable[[Batch, str], None],
        metrics: QuotaMetrics,
    ) -> None:
        self._ledger = ledger
        self._free = connections
        self._hear = hear
        self._miss = miss
        self._metrics = metrics
        self._due: dict[Budget, list[Ask]] = {}
        self._under_way: set[Budget] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_flushing = False

    def send(self, budget: Budget, asks: Sequence[Ask]) -> None:
        """Send asks with all that is asked for in the same moment."""
        due = self._due.setdefault(budget, [])
        serials = {ask.serial for ask in due}
        due += [ask for ask in asks if ask.serial not in serials]  # a return is told repeatedly
        if not self._is_flushing:
            self._is_flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def withdraw(self) -> Batch:
        """Return all that was not sent yet, and will not be."""
        due, self._due = self._due, {}
        return [(budget, ask) for budget, asks in due.items() for ask in asks]

    async def drain(self) -> None:
        """Return once nothing is due or under way any more."""
        self._flush()
        while self._tasks:
            await asyncio.wait(self._tasks)
            await asyncio.sleep(0)  # what was due behind them goes next

    def _flush(self) -> None:
        self._is_flushing = False
        while self._free and (batch := self._take_batch()):
            self._free -= 1
            self._under_way.update(budget for budget, _ in batch)
            task = asyncio.create_task(self._exchange(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _take_batch(self) -> Batch:
        batch = []
        for budget in [each for each in self._due if each not in self._under_way][:_BATCH_MAX]:
            asks = self._due[budget]
            batch.append((budget, asks.pop(0)))
            if not asks:
                del self._due[budget]
        return batch

    async def _exchange(self, batch: Batch) -> None:
        self._metrics.lease_statements.inc()
        self._metrics.lease_asks.inc(len(batch))
        try:
            answers = await self._ledger.answer([(budget.id, ask) for budget, ask in batch])
        except DatabaseError as error:
            self._end(batch)
            self._miss(batch, str(error))
        except Exception:  # noqa: BLE001 whatever it is, nobody may wait for ever
            _log.exception("asks.failed")
            self._end(batch)
            self._miss(batch, "internal")
        else:
            self._end(batch)
            for (budget, ask), answer in zip(batch, answers, strict=True):
                self._hear(budget, ask, answer)
        self._flush()

    def _end(self, batch: Batch) -> None:
        self._free += 1
        self._under_way.difference_update(budget for budget, _ in batch)
