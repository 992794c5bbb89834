"""When to refuse a request because too much is waiting already."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from inference.adapter.scheduler.lane import Lane
from inference.adapter.scheduler.scheduler import Scheduler
from inference.adapter.throughput import Throughput

_WAIT_SECONDS_MIN: Final = 0.05
_WAIT_SECONDS_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class Overloaded:
    """Too much is waiting; after `retry_after` about half of it will have been served."""

    retry_after: timedelta


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many tokens may wait ahead of a request.

    `queue_tokens_max` bounds the short lane, which is all that a short request waits for.
    `backlog_tokens_max` bounds both together, which is what a bulk request waits for.
    """

    queue_tokens_max: int
    backlog_tokens_max: int


class Admission:
    """Refuses a request for what is ahead of it, never for its own size.

    A key that has as much waiting as there is room left may add nothing (Choudhury and Hahne's
    dynamic threshold). So it fills half of a bound at most, and others that send all they can leave
    room too. By the size of the request that it sent last it may have more, which is not counted
    against others: no key by itself can lock another out.
    """

    def __init__(
        self,
        bounds: Bounds,
        waiting: Scheduler,
        throughput: Throughput,
        jitter: Callable[[], float],
    ) -> None:
        """`jitter` returns a random number in [0, 1)."""
        self._bounds = bounds
        self._waiting = waiting
        self._throughput = throughput
        self._jitter = jitter

    def refuse(self, lane: Lane, key: str) -> Overloaded | None:
        """Return why a request of a key cannot be accepted now, if it cannot."""
        ahead, bound = self._waiting.tokens(Lane.SHORT), self._bounds.queue_tokens_max
        if lane is Lane.BULK:
            ahead += self._waiting.tokens(Lane.BULK)
            bound = self._bounds.backlog_tokens_max
        own, room = self._waiting.tokens_of(lane, key), bound - ahead
        if own < room or own < room + self._waiting.tokens_beyond(lane, bound // 2):
            return None
        return self._refusal(ahead)

    def _refusal(self, tokens: int) -> Overloaded:
        # Those refused together must not come back together, nor all before there is room.
        seconds = tokens / 2 / self._throughput.tokens_per_second * (1 + self._jitter())
        return Overloaded(
            timedelta(seconds=min(max(seconds, _WAIT_SECONDS_MIN), _WAIT_SECONDS_MAX))
        )
