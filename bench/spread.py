"""Figures of several rounds, as median and spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure's median, least and greatest value over the rounds."""

    middle: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Summarise at least one value."""
        return cls(median(values), min(values), max(values))

    def show(self, digits: int) -> str:
        """Return `median (least..greatest)`."""
        return f"{self.middle:,.{digits}f} ({self.least:,.{digits}f}..{self.greatest:,.{digits}f})"
