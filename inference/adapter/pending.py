"""One request while its vectors come in."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from inference.adapter.embedder import Vectors


@dataclass(slots=True)
class Pending:
    """`outcome` is waited for by whoever asked; `since` is when the rows began to wait."""

    since: float
    missing: int
    outcome: asyncio.Future[Vectors | BaseException]
    vectors: Vectors | None = None

    @classmethod
    def begin(cls, now: float, rows: int) -> Self:
        """Begin to wait for so many rows, within an event loop."""
        return cls(now, rows, asyncio.get_running_loop().create_future())

    def put(self, positions: Sequence[int], rows: Vectors) -> Vectors | None:
        """Take some rows' vectors; return all of them once none is missing."""
        if self.vectors is None:
            self.vectors = np.empty((self.missing, rows.shape[1]), dtype=np.float32)
        self.vectors[positions] = rows
        self.missing -= len(positions)
        return None if self.missing else self.vectors
