"""Charges one request per check, many checks to one statement."""

import asyncio
from dataclasses import dataclass, field

from authz.domain.bucket import Bucket
from authz.domain.directory import AccountId
from authz.domain.undecided import DatabaseError
from authz.service.breaker import Breaker
from authz.service.local_share import LocalShare
from authz.service.metrics import QuotaMetrics
from authz.service.ports import RequestLedger


@dataclass(frozen=True, slots=True)
class Charge:
    """Whether one request was charged, and what its bucket holds after."""

    granted: bool
    bucket: Bucket


@dataclass(slots=True)
class _Queue:
    """Checks of one account that wait for the statement after the one in flight."""

    limit: int
    waiting: list["asyncio.Future[Charge]"] = field(default_factory=list)


class RequestQuota:
    """Requests per minute, by the ledger that all processes share.

    Of each account at most one statement is in flight; what arrives meanwhile is charged together
    by the next, first come, first served. So one busy account costs a statement per round trip and
    not per request, and never queues for its own row's lock. After a statement that charged
    several, the next waits `linger_seconds` for company; a lone request never waits.
    """

    def __init__(
        self,
        ledger: RequestLedger,
        share: LocalShare,
        breaker: Breaker,
        metrics: QuotaMetrics,
        linger_seconds: float,
    ) -> None:
        self._ledger = ledger
        self._share = share
        self._breaker = breaker
        self._metrics = metrics
        self._linger_seconds = linger_seconds
        self._queues: dict[AccountId, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def peek(self, account_id: AccountId, limit: int) -> Bucket:
        """Return the last known state, without asking the database."""
        return self._share.peek(account_id, limit)

    async def charge(self, account_id: AccountId, limit: int) -> Charge:
        """Charge one request.

        Raises:
            QuotaUnavailableError: the database has been away for too long.
        """
        if self._breaker.is_open:
            return self._charge_locally(account_id, limit)
        future: asyncio.Future[Charge] = asyncio.get_running_loop().create_future()
        queue = self._queues.get(account_id)
        if queue is None:
            queue = self._queues[account_id] = _Queue(limit)
            # A task of its own: a client that leaves cancels its check, not the others' charge.
            task = asyncio.create_task(self._drain(account_id, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        queue.limit = limit
        queue.waiting.append(future)
        return await future

    async def _drain(self, account_id: AccountId, queue: _Queue) -> None:
        while queue.waiting:
            batch = [future for future in queue.waiting if not future.done()]
            queue.waiting = []
            try:
                await self._charge_together(account_id, queue.limit, batch)
            except Exception as error:  # noqa: BLE001 whatever it is, nobody may wait for ever
                _fail(batch, error)
            if len(batch) > 1:
                await asyncio.sleep(self._linger_seconds)
        del self._queues[account_id]

    async def _charge_together(
        self, account_id: AccountId, limit: int, batch: list["asyncio.Future[Charge]"]
    ) -> None:
        if not batch:
            return
        taken = await self._take(account_id, limit, len(batch))
        if taken is None:
            for future in batch:
                _answer(future, self._charge_locally(account_id, limit))
            return
        granted, bucket = taken
        self._metrics.statements.inc()
        self._metrics.charges.inc(len(batch))
        self._share.remember(account_id, bucket)
        for place, future in enumerate(batch):
            _answer(future, Charge(place < granted, bucket))

    async def _take(
        self, account_id: AccountId, limit: int, asked: int
    ) -> tuple[int, Bucket] | None:
        """Ask the ledger; nothing where it is not there to be asked."""
        if self._breaker.is_open:
            return None
        try:
            owed = self._share.owed(account_id, limit)
            return await self._ledger.take(account_id, limit, asked, owed)
        except DatabaseError as error:
            self._breaker.trip(str(error))
            return None

    def _charge_locally(self, account_id: AccountId, limit: int) -> Charge:
        self._breaker.check_grace()
        granted, bucket = self._share.take(account_id, limit)
        return Charge(granted > 0, bucket)


def _answer(future: "asyncio.Future[Charge]", charge: Charge) -> None:
    if not future.done():
        future.set_result(charge)


def _fail(batch: list["asyncio.Future[Charge]"], error: Exception) -> None:
    for future in batch:
        if not future.done():
            future.set_exception(error)
