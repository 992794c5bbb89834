"""Whether the model on Triton is the one that was compiled: asked before anybody is served.

And anew each time that the connection was lost, for Triton may come back with another.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Final

import numpy as np
import structlog

from inference.adapter.embedder import Batch, Embedder, EmbedderError, FailureKind, Vectors
from inference.golden import Golden

_RETRY_SECONDS: Final = 1.0

_log = structlog.get_logger()

Pause = Callable[[float], Awaitable[None]]

Lost = Callable[[], Awaitable[object]]


class Outcome(StrEnum):
    """What is known of the model."""

    UNKNOWN = "unknown"
    """It has not answered yet."""
    PROVEN = "proven"
    DIFFERS = "differs"
    """It gives other vectors, and will be asked nothing more while it runs."""


class ProvenEmbedder:
    """An embedder that serves nobody until its golden vectors have been given.

    Without any (a model that was too big for the machine that compiled it) it serves at once.
    """

    def __init__(
        self, embedder: Embedder, golden: Golden | None, pause: Pause = asyncio.sleep
    ) -> None:
        self._embedder = embedder
        self._golden = golden
        self._pause = pause
        self.outcome = Outcome.UNKNOWN if golden is not None else Outcome.PROVEN

    async def embed(self, batch: Batch) -> Vectors:
        """Return one unit vector a sequence; cancelling cancels the call.

        Raises:
            EmbedderError: there is none, or the model is not proven.
        """
        if self.outcome is not Outcome.PROVEN:
            raise EmbedderError(FailureKind.UNAVAILABLE, f"no proof of the model: {self.outcome}")
        return await self._embedder.embed(batch)

    async def is_ready(self) -> bool:
        """Tell whether the model is proven, and would run a batch now."""
        return self.outcome is Outcome.PROVEN and await self._embedder.is_ready()

    def differs(self) -> bool:
        """Tell whether the model has given other vectors."""
        return self.outcome is Outcome.DIFFERS

    async def keep_proving(self, lost: Lost) -> None:
        """Prove, and again whenever `lost` has returned; without golden vectors only say so."""
        while True:
            # Begun before the proof, so that no model can take another's place in between.
            losing = asyncio.ensure_future(lost())
            try:
                await self.prove()
                if self._golden is None:
                    return
                await losing
            finally:
                losing.cancel()
            self.outcome = Outcome.UNKNOWN

    async def prove(self) -> None:
        """Compare until there is an outcome; while Triton loads the model there is none."""
        if self._golden is None:
            _log.warning("model.unproven", reason="the card's folder holds no golden vectors")
            return
        difference = self._golden.differs(await self._answers(self._golden))
        if difference is None:
            self.outcome = Outcome.PROVEN
            _log.info("model.proven", vectors=len(self._golden.sequences))
        else:
            self.outcome = Outcome.DIFFERS
            _log.error("model.differs", difference=difference, made_by=self._golden.made_by)

    async def _answers(self, golden: Golden) -> Vectors:
        told = None
        while True:
            try:
                rows = [await self._embedder.embed(Batch((list(s),))) for s in golden.sequences]
                return np.concatenate(rows)
            except EmbedderError as error:
                if error.kind is FailureKind.FAULTY and error.detail != told:
                    told = error.detail
                    _log.error("model.faulty", detail=told)
                await self._pause(_RETRY_SECONDS)
