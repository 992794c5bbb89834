"""How many tokens a second the model is serving."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_HALF_LIFE_SECONDS: Final = 10.0
_PRIOR_SECONDS: Final = 1.0


class Throughput:
    """Tokens served per second of busy time; the past counts half after ten busy seconds."""

    def __init__(self, tokens_per_second: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._tokens = tokens_per_second * _PRIOR_SECONDS
        self._seconds = _PRIOR_SECONDS
        self._running = 0
        self._since = 0.0

    @property
    def tokens_per_second(self) -> float:
        """The present estimate, above zero."""
        return max(1.0, self._tokens / self._seconds)

    @contextmanager
    def measure(self, tokens: int) -> Iterator[None]:
        """Count `tokens` as served when the block ends; when it fails, its time counts alone."""
        if self._running == 0:
            self._since = self._clock()
        self._running += 1
        served = 0
        try:
            yield
            served = tokens
        finally:
            self._running -= 1
            self._add(served)

    def _add(self, tokens: int) -> None:
        now = self._clock()
        elapsed = now - self._since
        self._since = now
        kept = 0.5 ** (elapsed / _HALF_LIFE_SECONDS)
        self._tokens = self._tokens * kept + tokens
        self._seconds = self._seconds * kept + elapsed
