"""Values of the last few seconds."""

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Keeps each value for `seconds` at least, and at most twice as long.

    Of more than `count_max` values in `seconds` the oldest are forgotten earlier.
    """

    def __init__(self, seconds: float, count_max: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._count_max = count_max
        self._clock = clock
        self._turns_at = clock() + seconds
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def put(self, key: K, value: V) -> None:
        """Keep a value."""
        now = self._clock()
        if now >= self._turns_at or len(self._young) >= self._count_max:
            self._old = self._young if now < self._turns_at + self._seconds else {}
            self._young = {}
            self._turns_at = now + self._seconds
        self._young[key] = value

    def get(self, key: K) -> V | None:
        """Return the value, if it is kept."""
        value = self._young.get(key)
        return self._old.get(key) if value is None else value
