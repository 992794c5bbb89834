"""A process that serves callers of the account; it may stop, freeze, and start anew."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from authz.domain.quota.amounts import Amounts
from authz.domain.quota.asking import miss
from authz.domain.quota.charging import Charged, Unanswered, Waiting, charge, settle
from authz.domain.quota.holder import Holder
from authz.domain.quota.lease_messages import Answer, Ask, HolderId
from authz.domain.quota.outcome import Limited
from authz.domain.quota.upkeep import tend
from tests.authz.quota.simulation.clocks import SkewedClock
from tests.authz.quota.simulation.engine import Engine

Event = Callable[[int], None]


@dataclass(slots=True)
class Process:
    """The pure holder, and around it what a service adds: requests that wait, and what it sends."""

    name: str
    engine: Engine
    clock: SkewedClock
    send: Callable[["Process", Ask], None]
    admitted: Callable[["Process", Charged], None]
    incarnation: int = 0
    holder: Holder = field(init=False)
    waiting: deque[Amounts] = field(default_factory=deque)
    frozen: bool = False
    partitioned: bool = False
    inbox: list[Event] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin as another holder, which knows nothing."""
        self.incarnation += 1
        self.holder = Holder(HolderId(f"{self.name}.{self.incarnation}"), self.engine.rules)
        self.waiting.clear()
        self.inbox.clear()
        self.frozen = False

    def offer(self, cost: Amounts, now: int) -> None:
        """Take a caller's request."""
        self.holder, outcome, asks = charge(self.holder, cost, self.clock.read(now))
        match outcome:
            case Charged():
                self.admitted(self, outcome)
            case Waiting():
                self.waiting.append(cost)
            case Limited() | Unanswered():
                self.refused += 1
        self._send(asks)

    def hear(self, ask: Ask, answer: Answer, now: int) -> None:
        """Take an answer in, and charge anew what waited for it."""
        self.holder = self.engine.hear(self.holder, ask, answer, self.clock.read(now))
        self._offer_again(now)

    def time_out(self, ask: Ask, now: int) -> None:
        """Wait no longer for an answer."""
        self.holder = miss(self.holder, ask, self.clock.read(now))
        self._offer_again(now)

    def settle(self, charged: Charged, *, refund: bool) -> bool:
        """Note a request's end; tell whether it was refunded."""
        before = self.holder
        self.holder = settle(before, charged, refund=refund)
        return refund and self.holder != before

    def tend(self, now: int) -> None:
        """Let the holder do what is due."""
        self.holder, asks = tend(self.holder, self.clock.read(now))
        self._send(asks)

    def _offer_again(self, now: int) -> None:
        if self.holder.asking is not None:
            return
        waiting, self.waiting = self.waiting, deque()
        for cost in waiting:
            self.offer(cost, now)

    def _send(self, asks: tuple[Ask, ...]) -> None:
        for ask in asks:
            self.send(self, ask)
