"""How the ledger is asked: in batches, and never twice at once about the same budget."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from authz.domain.directory import AccountId, Holder
from authz.domain.quota import asking
from authz.domain.quota.holder import Holder as LeaseHolder
from authz.domain.quota.lease_messages import Answer, Ask, BudgetId
from authz.service.quota import exchange
from authz.service.quota.clockwork import Clockwork
from authz.service.quota.decision import Admitted
from tests.authz.charger.parts import Parts, settle
from tests.authz.doubles import ACCOUNT, FakeLedger


class _WatchedLedger(FakeLedger):
    """Knows what is under way."""

    at_once = 0
    at_once_max = 0
    is_asked_twice = False
    budgets: frozenset[BudgetId] = frozenset()

    async def answer(self, asks: Sequence[tuple[BudgetId, Ask]]) -> Sequence[Answer | None]:
        """Note where a budget is under way already."""
        budgets = {budget for budget, _ in asks}
        self.is_asked_twice |= len(budgets) < len(asks) or bool(budgets & self.budgets)
        self.budgets |= budgets
        self.at_once += 1
        self.at_once_max = max(self.at_once, self.at_once_max)
        try:
            return await super().answer(asks)
        finally:
            self.budgets -= budgets
            self.at_once -= 1


def _holders(parts: Parts, count: int) -> list[Holder]:
    holder = parts.holder()
    accounts = [replace(ACCOUNT, id=AccountId(UUID(int=10 + number))) for number in range(count)]
    return [replace(holder, account=account) for account in accounts]


async def test_what_is_asked_in_one_moment_is_one_statement() -> None:
    """A thousand accounts cost as many round trips as fit into batches."""
    parts = Parts()
    decisions = await asyncio.gather(
        *(parts.charge(holder=holder) for holder in _holders(parts, 1000))
    )
    assert all(isinstance(each, Admitted) for each in decisions)
    assert [len(batch) for batch in parts.ledger.batches][:2] == [500, 500]
    assert parts.statements <= 4


async def test_no_more_statements_are_under_way_than_there_are_connections() -> None:
    """What comes meanwhile goes together with the next one that is free."""
    ledger = _WatchedLedger((parts := Parts()).clock)
    parts = Parts(ledger=ledger, clock=parts.clock, connections=2)
    ledger.gate = asyncio.Event()
    tasks = []
    for holder in _holders(parts, 10):
        tasks.append(asyncio.create_task(parts.charge(holder=holder)))
        await settle()
    assert ledger.at_once_max == 2
    ledger.gate.set()
    await asyncio.gather(*tasks)
    assert [len(batch) for batch in ledger.batches][:2] == [1, 1]
    assert len(ledger.batches[2]) >= 8


async def test_a_budget_is_never_under_way_twice() -> None:
    """While it returns a lease, the next one that it asks for waits."""
    clock = Parts().clock
    ledger = _WatchedLedger(clock)
    parts = Parts(ledger=ledger, clock=clock, connections=4)
    await parts.admits()
    await parts.wait(1)
    ledger.gate = asyncio.Event()
    await parts.wait(2)
    assert ledger.at_once == 1
    task = asyncio.create_task(parts.charge())
    await settle()
    assert ledger.at_once == 1
    ledger.gate.set()
    assert isinstance(await task, Admitted)
    assert not ledger.is_asked_twice


async def test_in_an_outage_what_waited_to_be_sent_is_not() -> None:
    """Its requests are decided already, and its answers would say nothing new."""
    parts = Parts(connections=1)
    parts.ledger.gate = asyncio.Event()
    tasks = []
    for holder in _holders(parts, 2):
        tasks.append(asyncio.create_task(parts.charge(holder=holder)))
        await settle()
    parts.breaker.trip("down")
    parts.ledger.is_down = True
    parts.ledger.gate.set()
    await asyncio.gather(*tasks)
    await settle()
    assert parts.statements == 1


async def test_a_bug_in_the_ledger_leaves_no_one_waiting() -> None:
    """Whatever it raises, requests are decided without it at last."""
    parts = Parts()
    parts.ledger.bugs = [ZeroDivisionError(), ZeroDivisionError()]
    charge = asyncio.create_task(parts.admits())
    await parts.wait(0.2)
    assert await charge
    assert parts.breaker.is_open


async def test_a_return_that_waits_to_be_sent_is_sent_once() -> None:
    """It is told until it is answered, but not twice in a row."""
    parts = Parts(connections=1)
    await parts.admits()
    await parts.wait(1)
    before = parts.statements
    parts.ledger.gate = asyncio.Event()
    other = asyncio.create_task(parts.charge(holder=_holders(parts, 1)[0]))
    await parts.wait(6)
    parts.ledger.gate.set()
    await other
    await settle()
    sent = parts.ledger.batches[before:]
    closes = [ask for batch in sent for budget, ask in batch if ask.closes and budget == ACCOUNT.id]
    assert len(closes) == 1


async def test_what_no_request_waits_for_goes_with_what_one_does() -> None:
    """Reports linger for company; a request that waits takes them along at once."""
    parts = Parts(linger_seconds=60)
    holders = _holders(parts, 20)
    await asyncio.gather(*(parts.charge(holder=holder) for holder in holders[:19]))
    before = parts.statements
    await parts.wait(2.5)  # by when all are to be reported
    assert parts.statements == before
    await parts.charge(holder=holders[19])
    assert parts.statements == before + 1
    assert len(parts.ledger.batches[-1]) == 20


async def test_one_answer_that_cannot_be_heard_costs_no_other_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bug in what is made of an answer leaves nobody waiting."""
    parts = Parts()
    holders = _holders(parts, 3)
    heard = asking.hear

    def fail_once(holder: LeaseHolder, ask: Ask, answer: Answer, now: int) -> LeaseHolder:
        monkeypatch.setattr(exchange, "hear", heard)
        raise ZeroDivisionError

    monkeypatch.setattr(exchange, "hear", fail_once)
    charges = asyncio.gather(*(parts.charge(holder=holder) for holder in holders))
    await parts.wait(0.2)  # then the one is asked again
    assert all(isinstance(decision, Admitted) for decision in await charges)


async def test_wakings_that_came_sooner_are_forgotten() -> None:
    """A budget that is put off and brought forward again and again does not fill the memory."""
    parts = Parts()
    await parts.admits()
    [budget] = parts.book
    clockwork = Clockwork(lambda *_: None, lambda: 0)
    for at in range(10_000, 0, -1):
        clockwork.wake_at(budget, at)
    assert len(clockwork._due) < 2500


async def test_at_the_end_nothing_lingers() -> None:
    """What follows an answer is sent as well, and not only what was due before."""
    parts = Parts(linger_seconds=60)
    await parts.admits()
    await parts.wait(2.5)  # by when a report lingers
    await parts.charger.stop(10)
    assert parts.ledger.batches[-1][-1][1].closes
