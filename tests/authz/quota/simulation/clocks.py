"""Clocks that disagree: each with its own beginning and its own speed."""

from dataclasses import dataclass


@dataclass(slots=True)
class SkewedClock:
    """Reads microseconds, of which it counts `per_million` in a million true ones."""

    offset: int
    per_million: int = 1_000_000

    def read(self, now: int) -> int:
        """Return what the clock shows at the true time `now`."""
        return self.offset + now * self.per_million // 1_000_000
