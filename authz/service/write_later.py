"""Writes what no request waits for: in batches, a moment later, also after an outage."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import islice
from typing import Any, Final, Generic, Protocol, TypeVar

import structlog

from authz.domain.undecided import DatabaseError


class _Ordered(Protocol):
    def __lt__(self, other: Any, /) -> bool: ...  # noqa: ANN401 of its own kind


K = TypeVar("K", bound=_Ordered)
V = TypeVar("V")

_BATCH_ROWS: Final = 500
_BACKOFF_FACTORS: Final = (1, 2, 5, 10, 30)

_log = structlog.get_logger()


class LateWriter(Generic[K, V]):
    """One value per name, kept until it is written; a newer one takes its place.

    `write` stores a batch, in order of the names, so that writers do not wait for each other in
    a circle. Between attempts lie `interval_seconds`, more while they fail. `jitter` returns a
    factor around 1. `what` names the values in the log.
    """

    def __init__(
        self,
        what: str,
        write: Callable[[Mapping[K, V]], Awaitable[None]],
        interval_seconds: float,
        jitter: Callable[[], float],
    ) -> None:
        self._what = what
        self._write = write
        self._interval_seconds = interval_seconds
        self._jitter = jitter
        self._failures = 0
        self._waiting: dict[K, V] = {}

    def __len__(self) -> int:
        """Return how many values wait."""
        return len(self._waiting)

    def put(self, name: K, value: V) -> None:
        """Have a value written."""
        self._waiting[name] = value

    async def run(self) -> None:
        """Write again and again, until cancelled."""
        while True:
            factor = _BACKOFF_FACTORS[min(self._failures, len(_BACKOFF_FACTORS) - 1)]
            await asyncio.sleep(self._interval_seconds * factor * self._jitter())
            await self.flush()

    async def flush(self) -> None:
        """Write all that waits; what cannot be written goes on waiting."""
        try:
            while self._waiting:
                await self._write_batch()
        except DatabaseError as error:
            if not self._failures:
                _log.warning("writes.delayed", what=self._what, failure=str(error))
            self._failures += 1
            return
        if self._failures:
            _log.info("writes.resumed", what=self._what)
        self._failures = 0

    async def close(self, timeout_seconds: float) -> None:
        """Write what waits, for the last time."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self.flush()
        except TimeoutError:
            pass
        if self._waiting:
            _log.warning("writes.lost", what=self._what, count=len(self._waiting))

    async def _write_batch(self) -> None:
        batch = dict(sorted(islice(self._waiting.items(), _BATCH_ROWS), key=lambda item: item[0]))
        await self._write(batch)
        for name, written in batch.items():
            if self._waiting.get(name) is written:
                del self._waiting[name]
