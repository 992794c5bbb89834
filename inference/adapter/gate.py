"""A bound on the tokens that Triton holds at a time, first come, first served."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Waiter:
    tokens: int
    admitted: asyncio.Future[None]


class TokenGate:
    """Lets batches through in the order of their arrival while their tokens fit.

    Strict order means that a large batch is never overtaken for ever by small ones. A batch that
    does not fit even alone goes through when nothing else is inside.
    """

    def __init__(self, tokens_max: int) -> None:
        self._tokens_max = tokens_max
        self._inside = 0
        self._waiting = 0
        self._waiters: deque[_Waiter] = deque()

    @property
    def tokens_inside(self) -> int:
        """Tokens let through and not done."""
        return self._inside

    @property
    def tokens_waiting(self) -> int:
        """Tokens not let through yet."""
        return self._waiting

    @asynccontextmanager
    async def hold(self, tokens: int) -> AsyncIterator[None]:
        """Wait for room, and keep it while the block runs."""
        await self._enter(tokens)
        try:
            yield
        finally:
            self._inside -= tokens
            self._admit()

    async def _enter(self, tokens: int) -> None:
        if not self._waiters and self._fits(tokens):
            self._inside += tokens
            return
        waiter = _Waiter(tokens, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._waiting += tokens
        try:
            await waiter.admitted
        except asyncio.CancelledError:
            self._give_up(waiter)
            raise

    def _give_up(self, waiter: _Waiter) -> None:
        if waiter.admitted.cancelled():
            self._waiters.remove(waiter)
            self._waiting -= waiter.tokens
        else:  # let through in the same turn of the loop in which it was cancelled
            self._inside -= waiter.tokens
        self._admit()

    def _admit(self) -> None:
        while self._waiters and self._fits(self._waiters[0].tokens):
            waiter = self._waiters[0]
            if waiter.admitted.cancelled():
                break  # it removes itself, and then admits the next
            self._waiters.popleft()
            self._waiting -= waiter.tokens
            self._inside += waiter.tokens
            waiter.admitted.set_result(None)

    def _fits(self, tokens: int) -> bool:
        return self._inside == 0 or self._inside + tokens <= self._tokens_max
