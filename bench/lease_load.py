"""Processes on a clock of their own, which charge what callers send, from leases where they can."""

import heapq
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random
from typing import Final, TypeAlias

from authz.domain.quota.amounts import Amounts
from authz.domain.quota.asking import hear
from authz.domain.quota.charging import Charged, Waiting, charge, settle
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Answer, Ask, BudgetId, HolderId
from authz.domain.quota.upkeep import next_due, tend
from bench.lease_server import RULES, budget

SECOND: Final = 1_000_000
_COST: Final = Amounts(1, 100)
_TICK: Final = SECOND // 20
"""As in authz/service/quota: how often a process looks what is due."""
_CONNECTIONS: Final = 4
_ROUND_TRIP: Final = 2_000
_LATENCY: Final = SECOND // 10
"""How long a request takes, once it was let through."""

Batch: TypeAlias = Sequence[tuple[BudgetId, Ask]]
AnswerAt: TypeAlias = Callable[[Batch, int], Awaitable[Sequence[Answer | None]]]


@dataclass(frozen=True, slots=True)
class Mix:
    """Accounts that are each on so many processes, and send so many requests a second in all."""

    accounts: int
    processes: int
    spread: int
    per_second: float


@dataclass(slots=True)
class Totals:
    """What was counted."""

    requests: int = 0
    asks: int = 0
    statements: int = 0
    refused: int = 0


@dataclass(slots=True)
class _Process:
    name: HolderId
    accounts: Sequence[int]
    holders: dict[int, Holder] = field(default_factory=dict)
    due: dict[int, list[Ask]] = field(default_factory=dict)
    waiting: dict[int, list[Amounts]] = field(default_factory=dict)
    ticks: set[tuple[int, int]] = field(default_factory=set)
    under_way: set[int] = field(default_factory=set)
    free: int = _CONNECTIONS


class Load:
    """Some of a mix's processes, each with all its accounts.

    What the others hold is missing from the ledger; it would matter to accounts near a limit only.
    """

    def __init__(self, mix: Mix, sampled: int, begins: int, answer_at: AnswerAt) -> None:
        self._mix = mix
        self._random = Random(1)  # noqa: S311 no secret
        self._answer_at = answer_at
        self._now = self._begins = begins
        self._order = count()
        self._events: list[tuple[int, int, Callable[[], Awaitable[None]]]] = []
        self.totals = Totals()
        for number in range(sampled):
            process = _Process(HolderId(f"process{number}"), self._accounts_of(number))
            self._at(self._pause(process), partial(self._arrive, process))

    def _accounts_of(self, number: int) -> Sequence[int]:
        """Return the accounts of a process: as many on each, and each on as many."""
        each = self._mix.accounts * self._mix.spread // self._mix.processes
        return [1 + (number * each + n) % self._mix.accounts for n in range(each)]

    async def run(self, seconds: float) -> Totals:
        """Let so much time pass; return what was counted in it."""
        self.totals = Totals()
        end = self._now + int(seconds * SECOND)
        while self._events[0][0] < end:
            self._now, _, event = heapq.heappop(self._events)
            await event()
        self._now = end
        return self.totals

    async def _arrive(self, process: _Process) -> None:
        self.totals.requests += 1
        await self._charge(process, self._random.choice(process.accounts), _COST)
        self._at(self._pause(process), partial(self._arrive, process))

    def _pause(self, process: _Process) -> int:
        rate = len(process.accounts) * self._mix.per_second / self._mix.spread
        return int(self._random.expovariate(rate) * SECOND)

    async def _charge(self, process: _Process, account: int, cost: Amounts) -> None:
        holder = process.holders.get(account) or Holder(process.name, RULES)
        holder, outcome, asks = charge(holder, cost, self._now)
        self._keep(process, account, holder, asks)
        match outcome:
            case Charged():
                self._at(_LATENCY, partial(self._settle, process, account, outcome))
            case Waiting():
                process.waiting.setdefault(account, []).append(cost)
            case _:
                self.totals.refused += 1

    async def _settle(self, process: _Process, account: int, charged: Charged) -> None:
        holder = settle(process.holders[account], charged, refund=False)
        self._keep(process, account, holder, ())

    async def _tick(self, process: _Process, account: int, tick: int) -> None:
        process.ticks.discard((account, tick))
        holder, asks = tend(process.holders[account], self._now)
        self._keep(process, account, holder, asks)

    def _keep(self, process: _Process, account: int, holder: Holder, asks: Iterable[Ask]) -> None:
        process.holders[account] = holder
        due = process.due.setdefault(account, [])
        due += [ask for ask in asks if ask.serial not in {each.serial for each in due}]
        if not due:
            del process.due[account]
        elif process.free:
            self._at(0, partial(self._flush, process))
        at = next_due(holder, self._now)
        if at is not None:
            self._wake(process, account, max(at, self._now) // _TICK + 1)

    def _wake(self, process: _Process, account: int, tick: int) -> None:
        """Look after an account with all others whose time comes in the same tick."""
        if (account, tick) not in process.ticks:
            process.ticks.add((account, tick))
            delay = tick * _TICK - self._now
            self._at(delay, partial(self._tick, process, account, tick))

    async def _flush(self, process: _Process) -> None:
        accounts = [each for each in process.due if each not in process.under_way]
        if not accounts or not process.free:
            return
        batch = [(each, process.due[each].pop(0)) for each in accounts]
        for each in accounts:
            if not process.due[each]:
                del process.due[each]
        process.free -= 1
        process.under_way.update(accounts)
        self.totals.asks += len(batch)
        self.totals.statements += 1
        sent = [(budget(account), ask) for account, ask in batch]
        answers = await self._answer_at(sent, self._now)
        heard = list(zip(batch, answers, strict=True))
        self._at(_ROUND_TRIP, partial(self._hear, process, heard))

    async def _hear(
        self, process: _Process, heard: Sequence[tuple[tuple[int, Ask], Answer | None]]
    ) -> None:
        process.free += 1
        for (account, ask), answer in heard:
            process.under_way.discard(account)
            if answer is None:
                raise SystemExit(f"Account {account} is unknown")
            holder = hear(process.holders[account], ask, answer, self._now)
            self._keep(process, account, holder, ())
            for cost in process.waiting.pop(account, []):
                await self._charge(process, account, cost)
        await self._flush(process)

    def _at(self, delay: int, event: Callable[[], Awaitable[None]]) -> None:
        heapq.heappush(self._events, (self._now + max(0, delay), next(self._order), event))
