"""Issue, rotate, revoke, expire, suspend and check at once, over several processes."""

import asyncio
import math
import time
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from proto.tessera.admin.v1.accounts_pb2 import (
    ResumeAccountRequest,
    ResumeAccountResponse,
    SuspendAccountRequest,
    SuspendAccountResponse,
)
from proto.tessera.admin.v1.keys_pb2 import (
    IssueKeyRequest,
    RevokeKeyRequest,
    RevokeKeyResponse,
    RotateKeyRequest,
    RotateKeyResponse,
)
from tests.revocation.cluster import Cluster
from tests.revocation.history import AccountHistory, KeyHistory

_CHECKERS: Final = 6
_CLOCK: Final = 0.02
"""How much earlier or later a process may see a moment come than the test does."""

# An index rather than a key: how many keys there are depends on which of two changes came first,
# and what Hypothesis draws must not.
_INDEX: Final = st.integers(0, 99)


@dataclass(slots=True)
class Customer:
    """An account and its keys."""

    id: str
    history: AccountHistory = field(default_factory=AccountHistory)
    suspended: bool = False
    keys: list[KeyHistory] = field(default_factory=list)


@dataclass(slots=True)
class World:
    """The cluster, and all that was done to it."""

    cluster: Cluster
    customers: list[Customer] = field(default_factory=list)

    async def open(self) -> None:
        """Make a customer with one key."""
        customer = Customer(await self.cluster.open_account(f"race {uuid4()}"))
        self.customers.append(customer)
        await self.issue(customer, None)

    async def issue(self, customer: Customer, lives: timedelta | None) -> None:
        """Make a key, which may expire soon."""
        request = IssueKeyRequest(account=customer.id, name="race", environment="test")
        expires = math.inf if lives is None else time.time() + lives.total_seconds()
        if lives is not None:
            request.expire_time.CopyFrom(_timestamp(expires))
        issued = await self.cluster.issue(request)
        key = KeyHistory(issued.key.id, issued.secret, customer.history)
        key.end(expires - _CLOCK, expires + _CLOCK)
        customer.keys.append(key)

    async def rotate(self, customer: Customer, key: KeyHistory, grace: timedelta) -> None:
        """Put a new key in a key's place; one that has ended refuses."""
        began = time.time()
        duration = Duration()
        duration.FromTimedelta(grace)
        request = RotateKeyRequest(id=key.id, grace=duration)
        try:
            rotated = await self.cluster.call(request, RotateKeyResponse)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
                return
            raise
        await self.cluster.settle()
        ends = rotated.replaced.expire_time.ToMicroseconds() / 1e6 if grace else began
        key.end(max(began, ends - _CLOCK), max(time.time(), ends + _CLOCK))
        new = KeyHistory(rotated.key.id, rotated.secret, customer.history)
        if rotated.key.HasField("expire_time"):  # it lives as long as the old one was made for
            expires = rotated.key.expire_time.ToMicroseconds() / 1e6
            new.end(expires - _CLOCK, expires + _CLOCK)
        customer.keys.append(new)

    async def revoke(self, key: KeyHistory) -> None:
        """Revoke a key and wait, as the API does, until every process refuses it."""
        began = time.time()
        key.may_end_from = min(key.may_end_from, began)
        request = RevokeKeyRequest(id=key.id, wait=True)
        revoked = await self.cluster.call(request, RevokeKeyResponse)
        assert revoked.refused_everywhere, revoked
        key.end(began, time.time())

    async def toggle(self, customer: Customer) -> None:
        """Suspend a customer, or resume one that is suspended."""
        began = time.time()
        if customer.suspended:
            await self.cluster.call(
                ResumeAccountRequest(account=customer.id), ResumeAccountResponse
            )
        else:
            await self.cluster.call(
                SuspendAccountRequest(account=customer.id), SuspendAccountResponse
            )
        customer.suspended = not customer.suspended
        await self.cluster.settle()
        customer.history.change(began, time.time(), suspended=customer.suspended)

    async def during(self, *changes: Coroutine[Any, Any, None]) -> None:
        """Make changes at once, check keys meanwhile and a moment after, then judge all answers."""
        answers: list[tuple[KeyHistory, str, float, float, int]] = []
        over = asyncio.Event()

        async def check(offset: int) -> None:
            turn = offset
            last_turn = None
            while last_turn is None or turn <= last_turn:
                keys = [key for customer in self.customers for key in customer.keys]
                if over.is_set() and last_turn is None:
                    last_turn = turn + len(keys) * len(self.cluster.names)
                key = keys[turn % len(keys)]
                name = self.cluster.names[turn % len(self.cluster.names)]
                start = time.time()
                status = await self.cluster.status(name, key.text)
                answers.append((key, name, start, time.time(), status))
                turn += 1

        async with asyncio.TaskGroup() as group:
            for number in range(_CHECKERS):
                group.create_task(check(number))
            async with asyncio.TaskGroup() as writers:
                for change in changes:
                    writers.create_task(change)
            over.set()
        for key, name, start, end, status in answers:
            allowed = key.may_answer(start, end)
            assert status in allowed, (name, status, allowed, start, end, key)


def _pick(keys: list[KeyHistory], index: int) -> KeyHistory:
    return keys[index % len(keys)]


def _timestamp(seconds: float) -> Timestamp:
    stamp = Timestamp()
    stamp.FromMicroseconds(round(seconds * 1e6))
    return stamp


class Race(RuleBasedStateMachine):
    """Every rule is one or more changes at once, with checks of every key on every process."""

    cluster: Cluster
    runner: "asyncio.Runner"

    @initialize()
    def begin(self) -> None:
        """Two customers, each with a key."""
        self.world = World(self.cluster)
        self.runner.run(self.world.open())
        self.runner.run(self.world.open())

    @rule(
        lives=st.sampled_from([None, timedelta(seconds=0.4), timedelta(hours=1)]), who=st.booleans()
    )
    def issue(self, lives: timedelta | None, *, who: bool) -> None:
        """A new key works everywhere once it is known, until it expires."""
        self._run(self.world.issue(self.world.customers[who], lives))

    @rule(which=_INDEX, grace=st.sampled_from([timedelta(0), timedelta(seconds=0.5)]))
    def rotate_and_revoke(self, which: int, grace: timedelta) -> None:
        """Two people act on the same key at once."""
        key = _pick(self.world.customers[0].keys, which)
        self._run(self.world.rotate(self.world.customers[0], key, grace), self.world.revoke(key))

    @rule(which=_INDEX, grace=st.sampled_from([timedelta(0), timedelta(seconds=0.3)]))
    def rotate(self, which: int, grace: timedelta) -> None:
        """The old key ends with its grace period, the new one works at once."""
        customer = self.world.customers[1]
        self._run(self.world.rotate(customer, _pick(customer.keys, which), grace))

    @rule(chosen=st.lists(_INDEX, min_size=1, max_size=3))
    def revoke_some(self, chosen: list[int]) -> None:
        """Several keys at once, some of them again."""
        keys = [key for customer in self.world.customers for key in customer.keys]
        self._run(*(self.world.revoke(_pick(keys, which)) for which in chosen))

    @rule()
    def suspend_or_resume(self) -> None:
        """Both customers, while a key is made."""
        self._run(
            *(self.world.toggle(customer) for customer in self.world.customers),
            self.world.issue(self.world.customers[0], None),
        )

    def _run(self, *changes: Coroutine[Any, Any, None]) -> None:
        self.runner.run(self.world.during(*changes))


@pytest.fixture
def race(shared_cluster: Cluster) -> Iterator[type[RuleBasedStateMachine]]:
    """The machine, on a cluster that lasts for all its runs."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        cluster = runner.run(stack.enter_async_context(shared_cluster.connected()))
        try:
            yield type("RaceOnCluster", (Race,), {"cluster": cluster, "runner": runner})
        finally:
            runner.run(stack.aclose())


def test_no_dead_key_is_accepted_and_no_live_key_refused(
    race: type[RuleBasedStateMachine],
) -> None:
    """Whatever is done at once: after its acknowledgement every process answers by it."""
    run_state_machine_as_test(
        race,
        settings=settings(
            max_examples=10,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
