"""How long a revoked key still works: eight authz processes, each asked again and again.

The time counts from the commit, as PostgreSQL stamped it, until the last process's refusal has come
back to its asker, so it also holds the asker's pause between two questions.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Final
from uuid import uuid4

import asyncpg

from bench.admin import Admin, Gate, ask, make_gates
from bench.texts import make_texts
from proto.tessera.admin.v1.accounts_pb2 import CreateAccountRequest, CreateAccountResponse
from proto.tessera.admin.v1.keys_pb2 import (
    IssueKeyRequest,
    IssueKeyResponse,
    RevokeKeyRequest,
    RevokeKeyResponse,
)
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest
from stack.launch import RunningStack, running_stack
from stack.options import Options
from stack.plan import database_url

PROCESSES: Final = 8
_MODEL: Final = "Qwen/Qwen3-Embedding-8B"
_ASKING_SECONDS: Final = 0.005
"""Eight askers without a pause would be most of the machine's load."""
_COMMITTED: Final = """
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float FROM changes WHERE number = $1
"""
_QUIET: Final = """
    DO $$
    DECLARE
        announcing text := pg_get_functiondef('record_change'::regproc);
        silent text := regexp_replace(announcing, 'PERFORM pg_notify[^;]*;', '');
    BEGIN
        ASSERT silent <> announcing;
        EXECUTE silent;
    END $$
"""
"""Numbers changes as ever, and announces none."""


@dataclass(frozen=True, slots=True)
class Revocations:
    """Milliseconds from a revocation's commit: to the last refusal, and to the answered wait."""

    title: str
    refused_ms: Sequence[float]
    waited_ms: Sequence[float]
    too_early: int
    """Answered waits after which some process still accepted the key: must be 0."""

    def row(self) -> str:
        """Return a line of the table."""
        return (
            f"| {self.title} | {len(self.refused_ms)} | {_show(self.refused_ms)}"
            f" | {_show(self.waited_ms)} | {self.too_early} |"
        )


def measure_revocations(
    folder: Path, count: int, checks_per_second: int, say: Callable[[str], None]
) -> list[Revocations]:
    """Revoke `count` keys under load, then a tenth as many with announcements cut off."""
    say(f"Starting a stack with {PROCESSES} authz processes")
    options = Options(state=folder / "state", port=0, authz=PROCESSES)
    with running_stack(options) as stack:
        return asyncio.run(_measure(stack, count, checks_per_second, say))


async def _measure(
    stack: RunningStack, count: int, checks_per_second: int, say: Callable[[str], None]
) -> list[Revocations]:
    gates = make_gates(stack.layout, PROCESSES)
    async with _connected(stack) as database, _loaded(gates, stack.key, checks_per_second):
        bench = _Bench(Admin(stack.layout), gates, database)
        say(f"Revoking {count} keys under {checks_per_second} checks a second")
        announced = await bench.revoke_many("announced", count)
        await database.execute(_QUIET, timeout=10)
        say(f"Revoking {count // 10} keys with NOTIFY cut off")
        polled = await bench.revoke_many("NOTIFY cut off", count // 10)
    return [announced, polled]


class _Bench:
    """Revokes one key after another and watches every process."""

    def __init__(self, admin: Admin, gates: Sequence[Gate], database: asyncpg.Connection) -> None:
        self._admin = admin
        self._gates = gates
        self._database = database

    async def revoke_many(self, title: str, count: int) -> Revocations:
        """Revoke `count` keys of one account."""
        request = CreateAccountRequest(name=f"b {uuid4()}", email="b@example.com", tier="scale")
        made = await self._admin.call(
            "AccountService/CreateAccount", request, CreateAccountResponse
        )
        ones = [await self._revoke_one(made.account.id) for _ in range(count)]
        refused, waited, too_early = zip(*ones, strict=True)
        return Revocations(title, refused, waited, sum(too_early))

    async def _revoke_one(self, account: str) -> tuple[float, float, bool]:
        request = IssueKeyRequest(account=account, name="bench", environment="test")
        issued = await self._admin.call("KeyService/IssueKey", request, IssueKeyResponse)
        question = ask(issued.secret, "GET", "/v1/models")
        await self._admin.settle()
        asking = [asyncio.create_task(_time_of_refusal(gate, question)) for gate in self._gates]
        await asyncio.sleep(random.uniform(0.02, 0.04))  # noqa: S311 no secret
        revoke = RevokeKeyRequest(id=issued.key.id, wait=True)
        revoked = await self._admin.call("KeyService/RevokeKey", revoke, RevokeKeyResponse)
        waited = time.time()
        still_allowed = await asyncio.gather(*(gate.allows(question) for gate in self._gates))
        ended = max(await asyncio.gather(*asking))
        committed = await self._database.fetchval(_COMMITTED, revoked.change_number, timeout=10)
        too_early = any(still_allowed) or not revoked.refused_everywhere
        return (ended - committed) * 1e3, (waited - committed) * 1e3, too_early


async def _time_of_refusal(gate: Gate, question: CheckRequest) -> float:
    while await gate.allows(question):  # noqa: ASYNC110 it is another process
        await asyncio.sleep(_ASKING_SECONDS)
    return time.time()


@contextlib.asynccontextmanager
async def _loaded(gates: Sequence[Gate], key: str, checks_per_second: int) -> AsyncIterator[None]:
    """Have every process count and charge requests of one customer, at a steady rate."""
    body = json.dumps({"model": _MODEL, "input": make_texts(1, 40)[0]}).encode()
    question = ask(key, "POST", "/v1/embeddings", body)
    pause = len(gates) / checks_per_second

    async def ask_on(gate: Gate) -> None:
        due = time.perf_counter()
        while True:
            await gate.allows(question)
            due = max(due + pause, time.perf_counter() - 1)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))

    tasks = [asyncio.create_task(ask_on(gate)) for gate in gates]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


@contextlib.asynccontextmanager
async def _connected(stack: RunningStack) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url(stack.layout), timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


def _show(milliseconds: Sequence[float]) -> str:
    cuts = quantiles(milliseconds, n=100)
    return f"{cuts[49]:,.1f} | {cuts[98]:,.1f} | {max(milliseconds):,.1f}"
