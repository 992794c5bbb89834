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

    Asks that no request waits for linger so long for company: that makes fewer statements.

    Of one budget no two asks are under way at once. `hear` gets nothing for an answer where the
    ledger knows of no such budget; `miss` gets a batch, and what failed.
    """

    def __init__(
        self,
        ledger: LeaseLedger,
        connections: int,
        linger_seconds: float,
        hear: Callable[[Budget, Ask, Answer | None], None],
        miss: Callable[[Batch, Exception], None],
        metrics: QuotaMetrics,
    ) -> None:
        self._ledger = ledger
        self._free = connections
        self._linger_seconds = linger_seconds
        self._hear = hear
        self._miss = miss
        self._metrics = metrics
        self._due: dict[Budget, list[Ask]] = {}
        self._under_way: set[Budget] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_looking = False
        self._timer: asyncio.TimerHandle | None = None

    def send(self, budget: Budget, asks: Sequence[Ask]) -> None:
        """Send asks with all that is due by then; at once, where a request waits for one."""
        due = self._due.setdefault(budget, [])
        serials = {ask.serial for ask in due}
        due += [ask for ask in asks if ask.serial not in serials]  # a return is told repeatedly
        if not self._is_looking:
            self._is_looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def withdraw(self) -> Batch:
        """Return all that was not sent yet, and will not be."""
        due, self._due = self._due, {}
        return [(budget, ask) for budget, asks in due.items() for ask in asks]

    async def drain(self) -> None:
        """Return once nothing is due or under way any more."""
        self._linger_seconds = 0
        self._flush()
        while self._tasks:
            await asyncio.wait(self._tasks)
            await asyncio.sleep(0)  # what was due behind them goes next

    def _look(self) -> None:
        """Send what is due now or, if nobody waits for it, in a moment."""
        self._is_looking = False
        if not self._linger_seconds or any(budget.line for budget in self._due):
            self._flush()
        elif self._due and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._linger_seconds, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
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
            self._miss(batch, error)
        except Exception as error:  # noqa: BLE001 whatever it is, nobody may wait for ever
            _log.exception("asks.failed")
            self._end(batch)
            self._miss(batch, error)
        else:
            self._end(batch)
            self._tell(batch, answers)
        self._look()

    def _tell(self, batch: Batch, answers: Sequence[Answer | None]) -> None:
        for (budget, ask), answer in zip(batch, answers, strict=True):
            try:
                self._hear(budget, ask, answer)
            except Exception as error:  # noqa: BLE001 the other budgets must hear theirs
                _log.exception("answer.failed")
                self._miss([(budget, ask)], error)

    def _end(self, batch: Batch) -> None:
        self._free += 1
        self._under_way.difference_update(budget for budget, _ in batch)
