"""When to refuse a request because too much is waiting already."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from inference.adapter.gate import TokenGate
from inference.adapter.throughput import Throughput

_WAIT_SECONDS_MIN: Final = 0.05
_WAIT_SECONDS_MAX: Final = 30.0


@dataclass(frozen=True, slots=True)
class Overloaded:
    """Too much is waiting; after `retry_after` about half of it will have been served."""

    retry_after: timedelta


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many tokens may be ahead of a request.

    `queue_tokens_max` bounds the batches that wait for Triton. A request of one batch waits for
    those alone, however much longer requests still have to send, so nothing else refuses it.
    `backlog_tokens_max` bounds all that is accepted and unserved, which a request of several
    batches shares the model with until its end.
    """

    queue_tokens_max: int
    backlog_tokens_max: int


class Backlog:
    """Tokens accepted and unserved; refuses a request for what is ahead, never for its own size."""

    def __init__(
        self, bounds: Bounds, gate: TokenGate, throughput: Throughput, jitter: Callable[[], float]
    ) -> None:
        """`jitter` returns a random number in [0, 1)."""
        self._bounds = bounds
        self._gate = gate
        self._throughput = throughput
        self._jitter = jitter
        self._tokens = 0

    @property
    def tokens(self) -> int:
        """Tokens accepted and unserved."""
        return self._tokens

    def refuse(self, batches: int) -> Overloaded | None:
        """Return why a request of so many batches cannot be accepted now, if it cannot."""
        if self._gate.tokens_waiting >= self._bounds.queue_tokens_max:
            return self._refusal(self._gate.tokens_waiting)
        if batches > 1 and self._tokens >= self._bounds.backlog_tokens_max:
            return self._refusal(self._tokens)
        return None

    @contextmanager
    def accept(self, tokens: int) -> Iterator[Callable[[int], None]]:
        """Count a request's tokens until they are reported as served, or the block ends."""
        unserved = tokens
        self._tokens += tokens

        def serve(tokens: int) -> None:
            nonlocal unserved
            unserved -= tokens
            self._tokens -= tokens

        try:
            yield serve
        finally:
            self._tokens -= unserved

    def _refusal(self, tokens: int) -> Overloaded:
        # Those refused together must not come back together, nor all before there is room.
        seconds = tokens / 2 / self._throughput.tokens_per_second * (1 + self._jitter())
        return Overloaded(
            timedelta(seconds=min(max(seconds, _WAIT_SECONDS_MIN), _WAIT_SECONDS_MAX))
        )
