"""An embedder without a model, which keeps the interface's promises."""

import asyncio
import hashlib
from dataclasses import dataclass, field

import numpy as np

from inference.adapter.embedder import Batch, EmbedderError, FailureKind, Vectors

WIDTH = 384


def vector_of(ids: list[int]) -> Vectors:
    """The unit vector of a sequence: always the same, and another for any other sequence."""
    seed = hashlib.blake2b(np.array(ids, dtype="<i4").tobytes(), digest_size=8).digest()
    numbers = np.random.default_rng(int.from_bytes(seed, "little")).standard_normal(WIDTH)
    unit: Vectors = (numbers / np.linalg.norm(numbers)).astype(np.float32)
    return unit


@dataclass
class FakeEmbedder:
    """Embeds while `open` is set, fails while `failure` is; records what it saw.

    A row that begins with an id of `poison` fails its batch; one of `spoilt` gets a vector of NaN.
    """

    open: asyncio.Event = field(default_factory=asyncio.Event)
    failure: Exception | None = None
    poison: set[int] = field(default_factory=set)
    spoilt: set[int] = field(default_factory=set)
    ready: bool = True
    batches: list[Batch] = field(default_factory=list)
    running: int = 0
    running_most: int = 0
    tokens_running: int = 0
    tokens_running_most: int = 0
    cancelled: int = 0

    def __post_init__(self) -> None:
        """Begin open."""
        self.open.set()

    async def embed(self, batch: Batch) -> Vectors:
        """Return one unit vector a sequence."""
        self._begin(batch)
        try:
            await asyncio.sleep(0)
            await self.open.wait()
            if self.failure is not None:
                raise self.failure
            return self._answer(batch)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
            self.tokens_running -= batch.tokens

    async def is_ready(self) -> bool:
        """Tell what `ready` says."""
        return self.ready

    def _answer(self, batch: Batch) -> Vectors:
        heads = [ids[0] for ids in batch.sequences]
        if not self.poison.isdisjoint(heads):
            raise EmbedderError(FailureKind.FAULTY, "poison")
        vectors = np.stack([vector_of(ids) for ids in batch.sequences])
        vectors[[head in self.spoilt for head in heads], 3] = np.nan
        return vectors

    def _begin(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.running += 1
        self.running_most = max(self.running_most, self.running)
        self.tokens_running += batch.tokens
        self.tokens_running_most = max(self.tokens_running_most, self.tokens_running)
