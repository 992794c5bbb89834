"""The interface of whatever turns token ids into vectors, and how it fails."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference.adapter.scheduler.lane import Lane

Vectors = NDArray[np.float32]
"""Rows of unit length, in the order of what was asked."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Sequences that the model runs together, and how soon it should."""

    sequences: tuple[list[int], ...]
    lane: Lane = Lane.SHORT

    @property
    def tokens(self) -> int:
        """Real tokens, special ones included."""
        return sum(map(len, self.sequences))


class FailureKind(StrEnum):
    """Why there are no vectors."""

    UNAVAILABLE = "unavailable"
    """The model cannot be reached, is not loaded, or refuses more work; later it may."""
    TIMED_OUT = "timed_out"
    FAULTY = "faulty"
    """It answered, but with an error or with something that is no embedding."""


class EmbedderError(Exception):
    """There are no vectors for this batch."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class Embedder(Protocol):
    """Runs one batch at a time; many at once may be under way."""

    async def embed(self, batch: Batch) -> Vectors:
        """Return one unit vector a sequence; cancelling stops the work.

        Raises:
            EmbedderError: there is none, for a reason that it names.
        """
        ...

    async def is_ready(self) -> bool:
        """Tell whether the model would run a batch now."""
        ...
