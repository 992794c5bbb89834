"""A customer who counts what it gets, and what the product says that it used."""

import asyncio
import random
from dataclasses import dataclass, field

import asyncpg
import httpx

from stack.launch import RunningStack
from stack.plan import database_url

_MODEL = "Qwen/Qwen3-Embedding-8B"
_TIMEOUT_SECONDS = 60.0
_SAID_TIMES = 5
_SAID_EVERY_SECONDS = 0.3

_SELECT_USED = """
    SELECT coalesce(sum(requests - refunded_requests), 0)::bigint AS requests,
           coalesce(sum(tokens - refunded_tokens), 0)::bigint AS tokens
      FROM usage_minutes
     WHERE account_id = (SELECT account_id FROM keys WHERE prefix = $1 AND last_four = $2)
"""
_SELECT_BY_HOUR = _SELECT_USED.replace("usage_minutes", "usage_hours")


@dataclass(frozen=True, slots=True)
class Used:
    """Whole requests, and their tokens."""

    requests: int = 0
    tokens: int = 0


@dataclass(slots=True)
class Customer:
    """Asks again and again, over `connections`; `seen` is what it was given with 200."""

    stack: RunningStack
    key: str
    connections: int = 4
    seen: Used = Used()
    refusals: dict[int, int] = field(default_factory=dict)
    _is_done: bool = False

    async def run(self) -> None:
        """Ask until `stop`, and until each answer is there."""
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS) as client:
            await asyncio.gather(*(self._ask_on(client, at) for at in range(self.connections)))

    def stop(self) -> None:
        """Begin no other request."""
        self._is_done = True

    async def _ask_on(self, client: httpx.AsyncClient, seed: int) -> None:
        draw = random.Random(seed)  # noqa: S311 no secret
        while not self._is_done:
            await self._ask(client, ["word " * draw.randrange(1, 9)] * draw.randrange(1, 4))

    async def _ask(self, client: httpx.AsyncClient, texts: list[str]) -> None:
        answer = await client.post(
            f"{self.stack.base_url}/embeddings",
            headers={"authorization": f"Bearer {self.key}"},
            json={"model": _MODEL, "input": texts},
        )
        if answer.status_code == 200:
            tokens = answer.json()["usage"]["total_tokens"]
            self.seen = Used(self.seen.requests + 1, self.seen.tokens + tokens)
            return
        status = answer.status_code
        self.refusals[status] = self.refusals.get(status, 0) + 1
        await asyncio.sleep(0.01)  # or the refusals of a moment are all there is


async def read_used(stack: RunningStack, key: str) -> Used:
    """Return what PostgreSQL says that a key's account used, by minutes; hours say the same."""
    connection = await asyncpg.connect(database_url(stack.layout))
    try:
        async with connection.transaction(isolation="repeatable_read"):
            name = key[:14], key[-4:]
            minutes = await connection.fetchrow(_SELECT_USED, *name)
            hours = await connection.fetchrow(_SELECT_BY_HOUR, *name)
    finally:
        await connection.close()
    assert minutes == hours
    assert minutes is not None
    return Used(minutes["requests"], minutes["tokens"])


async def settle(stack: RunningStack, key: str, used: Used, timeout_seconds: float) -> Used:
    """Wait until PostgreSQL says this and goes on saying it; return what it says in the end."""
    said, times = await read_used(stack, key), 0
    try:
        async with asyncio.timeout(timeout_seconds):
            while times < _SAID_TIMES:
                await asyncio.sleep(_SAID_EVERY_SECONDS)
                said = await read_used(stack, key)
                times = times + 1 if said == used else 0
    except TimeoutError:
        pass
    return said
