"""Whether limits are exact: eight authz processes, accounts that are offered ten times their limit.

What was let through is read from the processes' own journals, and put, moment by moment, into one
bucket that knows it all: it may never overflow, and what it would have let through is the measure.
"""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from bench.admin import Admin, Gate, ask, make_gates
from bench.admissions import Admission, fill, let_through, read_admissions
from bench.product import MODEL
from bench.texts import make_texts
from proto.tessera.admin.v1.accounts_pb2 import CreateAccountRequest, CreateAccountResponse
from proto.tessera.admin.v1.keys_pb2 import IssueKeyRequest, IssueKeyResponse
from proto.tessera.admin.v1.tiers_pb2 import Tier, UpsertTierRequest, UpsertTierResponse
from proto.tessera.envoy.v1.ext_authz_pb2 import CheckRequest
from stack.launch import running_stack
from stack.layout import Layout
from stack.options import Options

PROCESSES: Final = 8
TIMES_OFFERED: Final = 10
_IN_FLIGHT_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Case:
    """Limits a minute, and what each request holds: so many texts of so many words."""

    title: str
    requests: int
    tokens: int
    texts: int = 1
    words: int = 8

    def body(self) -> bytes:
        """Return the request that is sent again and again."""
        texts = make_texts(self.texts, self.words)
        return json.dumps({"model": MODEL, "input": texts}).encode()

    def offered_per_second(self, cost: int) -> float:
        """Return ten times what either limit lets through."""
        return TIMES_OFFERED * min(self.requests, self.tokens / cost) / 60


_MANY: Final = 10**9
CASES: Final = (
    Case("3 requests", 3, _MANY),
    Case("60 requests", 60, _MANY),
    Case("3,000 requests", 3000, _MANY),
    Case("100,000 tokens", 10**6, 100_000, texts=2, words=200),
    Case("1,000,000 tokens", 10**6, 1_000_000, texts=16, words=250),
)


@dataclass(frozen=True, slots=True)
class Exactness:
    """What became of one case. `possible` is what one bucket lets through of what was offered."""

    case: Case
    offered: int
    admitted: int
    possible: int
    overflows: int

    def row(self) -> str:
        """Return a line of the table."""
        share = self.admitted / self.possible
        return (
            f"| {self.case.title} | {self.offered:,} | {self.possible:,} | {self.admitted:,}"
            f" | **{share:.2%}** | {self.overflows} |"
        )


@dataclass(frozen=True, slots=True)
class _Offered:
    """An account, and when it was asked for, in microseconds since 1970."""

    case: Case
    account: UUID
    cost: int
    times: Sequence[int]


def measure_exactness(folder: Path, minutes: float, say: Callable[[str], None]) -> list[Exactness]:
    """Load all cases, by all processes."""
    say(f"Starting a stack with {PROCESSES} authz processes")
    options = Options(state=folder / "state", port=0, authz=PROCESSES)
    with running_stack(options) as stack:
        offers = asyncio.run(_offer_all(stack.layout, minutes * 60, say))
    admissions = read_admissions(stack.layout.usage)
    return [_judge(offered, admissions) for offered in offers]


async def _offer_all(
    layout: Layout, seconds: float, say: Callable[[str], None]
) -> Sequence[_Offered]:
    """Load all cases at once, each an account of its own."""
    admin, gates = Admin(layout), make_gates(layout, PROCESSES)
    opened = [(case, *await _open_account(admin, case)) for case in CASES]
    await admin.settle()
    say(f"{len(CASES)} limits, each offered {TIMES_OFFERED} times as much for {seconds:.0f} s")
    return await asyncio.gather(*(_offer(gates, *each, seconds) for each in opened))


async def _offer(
    gates: Sequence[Gate], case: Case, account: UUID, key: str, seconds: float
) -> _Offered:
    question = ask(key, "POST", "/v1/embeddings", case.body())
    cost = await _learn_cost(gates[0], question)
    pause = 1 / case.offered_per_second(cost)
    times = [time.time_ns() // 1000, *await _knock(gates, question, pause, seconds)]
    return _Offered(case, account, cost, times)


async def _open_account(admin: Admin, case: Case) -> tuple[UUID, str]:
    """Return a new account with those limits, and its key."""
    name = f"b{uuid4().hex[:12]}"
    tier = Tier(
        name=name,
        requests_per_minute=case.requests,
        tokens_per_minute=case.tokens,
        tokens_per_month=10**15,
        items_max=2048,
        endpoints=["embeddings"],
        models=["*"],
    )
    await admin.call("TierService/UpsertTier", UpsertTierRequest(tier=tier), UpsertTierResponse)
    request = CreateAccountRequest(name=name, email="b@example.com", tier=name)
    made = await admin.call("AccountService/CreateAccount", request, CreateAccountResponse)
    issue = IssueKeyRequest(account=made.account.id, name="bench", environment="test")
    issued = await admin.call("KeyService/IssueKey", issue, IssueKeyResponse)
    return UUID(made.account.id), issued.secret


async def _learn_cost(gate: Gate, question: CheckRequest) -> int:
    """Return the tokens of a request, from the first one that is let through."""
    tokens = await gate.tokens(question)
    if tokens is None:
        raise SystemExit("The first request of a new account was refused")
    return tokens


async def _knock(
    gates: Sequence[Gate], question: CheckRequest, pause: float, seconds: float
) -> Sequence[int]:
    """Ask all processes in turn at a rate, whatever they answer; return when.

    Moments are random: at a steady pace some would be those at which a request just fits again, and
    then milliseconds decide whether it does.
    """
    slots = asyncio.Semaphore(_IN_FLIGHT_MAX)
    due, ends = time.perf_counter(), time.perf_counter() + seconds
    times: list[int] = []
    pick = random.Random(3)  # noqa: S311 - reproducible moments, not secrets

    async def knock(gate: Gate) -> None:
        try:
            await gate.allows(question)
        finally:
            slots.release()

    async with asyncio.TaskGroup() as group:
        for gate in itertools.cycle(gates):
            if due >= ends:
                return times
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await slots.acquire()
            times.append(time.time_ns() // 1000)
            group.create_task(knock(gate))
            due += pick.expovariate(1 / pause)
    raise AssertionError("the gates never end")


def _judge(offered: _Offered, admissions: Mapping[UUID, Sequence[Admission]]) -> Exactness:
    """Compare with one bucket. Where tokens are the limit, they are what is counted."""
    case, mine = offered.case, admissions.get(offered.account, ())
    per_requests = case.requests * offered.cost <= case.tokens
    unit = 1 if per_requests else offered.cost
    limit = case.requests if per_requests else case.tokens
    overflows = fill(case.requests, [(one.at, 1) for one in mine])
    overflows += fill(case.tokens, [(one.at, one.tokens) for one in mine])
    possible = let_through(limit, offered.times, unit)
    return Exactness(case, len(offered.times) * unit, len(mine) * unit, possible, overflows)
