"""All that is not the pure core: true time, chance, the network, and what goes wrong."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from random import Random

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.charging import Charged
from authz.domain.quota.lease_messages import Answer, Ask
from authz.domain.quota.ledger import Ledger
from authz.domain.quota.quota import fresh
from tests.authz.quota.simulation import scenario as scenarios
from tests.authz.quota.simulation.clocks import SkewedClock
from tests.authz.quota.simulation.database import Database
from tests.authz.quota.simulation.engine import Engine
from tests.authz.quota.simulation.process import Process
from tests.authz.quota.simulation.scenario import (
    END,
    FAULTS_STOP,
    NO_FAULTS,
    PROCESSES,
    RECOVERED,
    SECOND,
)
from tests.authz.quota.simulation.truth import Admission, Resize, Truth

_YEAR_2026 = 1_767_225_600 * SECOND


@dataclass(frozen=True, slots=True)
class Report:
    """What one seed came to; `owed` is what recovery should have admitted at least, `got` did."""

    admissions: int
    refused: int
    statements: int
    owed: Amounts
    got: Amounts
    open_at_end: Amounts
    cost_max: int


class World:
    """One account, eight processes and a database, until the end of time."""

    def __init__(self, seed: int, engine: Engine) -> None:
        self._random = Random(seed)  # noqa: S311 it is to be the same again
        self._engine = engine
        self._now = 0
        self._events: list[tuple[int, int, Callable[[int], None]]] = []
        self._order = count()
        self._scenario = scenarios.draw(self._random)
        self._faults = self._scenario.faults
        starts = _YEAR_2026 + 31 * 86_400 * SECOND - self._scenario.month_ends_after
        self._database = self._make_database(starts)
        finishing = engine.rules.life + engine.rules.grace
        self._truth = Truth(self._scenario.limits, finishing, self._database.now(0))
        used_before = Admission(self._database.now(0), self._scenario.used_before)
        self._truth.admit(used_before)
        self._database.ideal.pour(used_before.cost, used_before.at)
        self._processes = [self._make_process(number) for number in range(PROCESSES)]

        self._busy, self._haste = self._processes, 1.0

    def run(self) -> Report:
        """Let everything happen; raises BrokenPromiseError where an invariant does not hold."""
        for process in self._processes:
            self._at(self._random.randrange(SECOND), partial(self._tend, process))
        self._at(0, self._move)
        self._at(0, self._arrive)
        self._at(self._random.randrange(FAULTS_STOP), self._resize)
        self._at(SECOND, self._go_wrong)
        self._at(FAULTS_STOP, self._heal)
        self._run_until(RECOVERED)
        since = self._database.now(RECOVERED)
        excess = self._database.excess(RECOVERED)
        self._run_until(END)
        return self._report(since, excess)

    def _run_until(self, end: int) -> None:
        while self._events[0][0] < end:
            now, _, event = heapq.heappop(self._events)
            event(now)

    def _report(self, since: int, excess: Amounts) -> Report:
        elapsed = self._database.now(END) - since
        got = self._truth.admitted(since)
        owed = self._scenario.later_limits.during(elapsed).beyond(excess)
        return Report(
            admissions=len(self._truth.log),
            refused=sum(process.refused for process in self._processes),
            statements=self._database.statements,
            owed=owed if self._scenario.has_month_left else NOTHING,
            got=got,
            open_at_end=self._database.ledger.quota.reserved,
            cost_max=self._scenario.cost_max,
        )

    def _make_database(self, starts: int) -> Database:
        limits = self._scenario.limits
        clock = SkewedClock(starts, self._speed())
        return Database(
            self._engine,
            clock,
            Ledger(fresh(limits, starts).spend(self._scenario.used_before)),
            limits,
        )

    def _make_process(self, number: int) -> Process:
        clock = SkewedClock(self._random.randrange(10**15), self._speed())
        return Process(f"process{number}", self._engine, clock, self._send, self._admitted)

    def _speed(self) -> int:
        drift = self._scenario.drift_per_million
        return 1_000_000 + self._random.randint(-drift, drift)

    # What callers do.

    def _arrive(self, now: int) -> None:
        cost = scenarios.cost(self._random, self._scenario)
        process = self._random.choice(self._busy)
        burst = self._random.choice((1, 1, 1, 1, 4))
        for _ in range(burst):
            self._deliver(process, partial(process.offer, cost), now)
        pause = self._random.expovariate(self._scenario.offered * self._haste / 1.6) * SECOND
        self._at(now + int(pause) + 1, self._arrive)

    def _move(self, now: int) -> None:
        """Callers go to other processes, in a lull or in a flood."""
        self._busy = self._random.sample(self._processes, self._random.choice((1, 3, PROCESSES)))
        self._haste = self._random.choice((0.1, 0.5, 2)) if now < FAULTS_STOP else 1
        if now < FAULTS_STOP:
            self._at(now + self._random.randrange(4 * SECOND), self._move)
            if self._happens(0.3):
                self._flood(now)

    def _flood(self, now: int) -> None:
        """Ask for the whole burst at once."""
        for _ in range(30):
            process = self._random.choice(self._processes)
            cost = Amounts(1, max(1, self._scenario.limits.tokens_per_minute // 25))
            self._deliver(process, partial(process.offer, cost), now)

    def _admitted(self, process: Process, charged: Charged) -> None:
        there = self._database.now(self._now)
        admission = Admission(there, charged.cost)
        self._truth.admit(admission)
        self._database.ideal.pour(charged.cost, there)
        refund = self._happens(self._faults.refund)
        latency = int(self._random.expovariate(5) * SECOND)
        incarnation = process.incarnation

        def end(_: int) -> None:
            if process.incarnation == incarnation and process.settle(charged, refund=refund):
                self._truth.refund(admission)

        self._at(self._now + latency, lambda at: self._deliver(process, end, at))

    # What the network and the database do.

    def _send(self, process: Process, ask: Ask) -> None:
        timeout = self._scenario.timeout * 1_000_000 // process.clock.per_million
        self._to(process, lambda at: process.time_out(ask, at), self._now + timeout)
        if self._happens(self._faults.freeze):
            self._freeze(process, self._now)
        for _ in range(1 + self._happens(self._faults.duplication)):
            if not process.partitioned and not self._happens(self._faults.loss):
                arrives_at = self._now + self._delay()
                self._at(arrives_at, lambda at: self._execute(process, ask, at))

    def _execute(self, process: Process, ask: Ask, now: int) -> None:
        unknown = self._happens(self._faults.commit_unknown)
        if unknown and self._happens(0.5):
            self._to(process, lambda at: process.time_out(ask, at), now + self._delay())
            return
        answer = self._database.execute(ask, now)
        if unknown:
            self._to(process, lambda at: process.time_out(ask, at), now + self._delay())
            return
        for _ in range(1 + self._happens(self._faults.duplication)):
            if not process.partitioned and not self._happens(self._faults.loss):
                self._reply(process, ask, answer, now + self._delay())

    def _reply(self, process: Process, ask: Ask, answer: Answer, arrives_at: int) -> None:
        self._to(process, lambda at: process.hear(ask, answer, at), arrives_at)

    def _delay(self) -> int:
        if self._happens(self._faults.slow):
            return self._random.randrange(3 * SECOND)
        return self._random.randrange(SECOND // 1000, SECOND // 100)

    # What goes wrong.

    def _go_wrong(self, now: int) -> None:
        for process in self._processes:
            for chance, fault in (
                (self._faults.crash, self._crash),
                (self._faults.freeze, self._freeze),
                (self._faults.partition, self._partition),
            ):
                if self._happens(chance):
                    fault(process, now)
        self._at(now + SECOND, self._go_wrong)

    def _crash(self, process: Process, _: int) -> None:
        process.start()

    def _freeze(self, process: Process, now: int) -> None:
        process.frozen = True
        self._at(now + self._random.randrange(8 * SECOND), lambda at: self._thaw(process, at))

    def _thaw(self, process: Process, now: int) -> None:
        if not process.frozen:
            return
        process.frozen = False
        inbox, process.inbox = process.inbox, []
        self._random.shuffle(inbox)
        for event in inbox:
            event(now)

    def _partition(self, process: Process, now: int) -> None:
        process.partitioned = True
        self._at(now + self._random.randrange(8 * SECOND), lambda _: self._rejoin(process))

    def _rejoin(self, process: Process) -> None:
        process.partitioned = False

    def _heal(self, now: int) -> None:
        self._faults = NO_FAULTS
        for process in self._processes:
            self._rejoin(process)
            self._thaw(process, now)

    def _resize(self, now: int) -> None:
        limits = self._scenario.later_limits
        self._database.resize(limits, now)
        self._truth.resize(Resize(self._database.now(now), limits))

    # How things happen.

    def _tend(self, process: Process, now: int) -> None:
        if not process.frozen:
            self._now = now
            process.tend(now)
        again = now + self._random.randrange(SECOND // 4, SECOND // 2)
        self._at(again, lambda at: self._tend(process, at))

    def _to(self, process: Process, event: Callable[[int], None], at: int) -> None:
        incarnation = process.incarnation

        def deliver(now: int) -> None:
            if process.incarnation == incarnation:
                self._deliver(process, event, now)

        self._at(at, deliver)

    def _deliver(self, process: Process, event: Callable[[int], None], now: int) -> None:
        self._now = now
        if process.frozen:
            process.inbox.append(event)
        else:
            event(now)

    def _at(self, at: int, event: Callable[[int], None]) -> None:
        heapq.heappush(self._events, (at, next(self._order), event))

    def _happens(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance
