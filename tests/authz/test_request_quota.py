"""Charging many checks with one statement, and what stands in while there is none."""

import asyncio
from uuid import UUID

import pytest

from authz.domain.directory import AccountId
from authz.domain.undecided import QuotaUnavailableError
from authz.service.breaker import Breaker
from authz.service.local_share import LocalShare
from authz.service.request_quota import Charge, RequestQuota
from tests.authz.doubles import ACCOUNT, FakeLedger, ManualClock, make_quota_metrics
from tests.authz.until import until

_OTHER = AccountId(UUID(int=2))


class _Parts:
    """A quota over a fake ledger, and the clock of both."""

    def __init__(self, processes: int = 1) -> None:
        self.clock = ManualClock()
        self.ledger = FakeLedger(self.clock)
        metrics = make_quota_metrics()
        self.breaker = Breaker(self.ledger.ping, 0.001, 300, self.clock, metrics)
        share = LocalShare(processes, self.clock)
        self.quota = RequestQuota(self.ledger, share, self.breaker, metrics, 0.0)

    async def charge(self, times: int, limit: int = 60) -> list[bool]:
        """Charge so often at once; return which were granted."""
        charges = await asyncio.gather(
            *(self.quota.charge(ACCOUNT.id, limit) for _ in range(times))
        )
        return [charge.granted for charge in charges]

    async def recover(self) -> None:
        """Bring the ledger back, and return when that was noticed."""
        self.ledger.is_down = False
        await until(lambda: not self.breaker.is_open)


async def _start(parts: _Parts, count: int) -> "list[asyncio.Task[Charge]]":
    tasks = [asyncio.create_task(parts.quota.charge(ACCOUNT.id, 60)) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_checks_that_arrive_during_a_statement_share_the_next() -> None:
    """At most one statement of an account is in flight, whatever the load."""
    parts = _Parts()
    parts.ledger.gate = asyncio.Event()
    first = await _start(parts, 1)
    rest = await _start(parts, 20)
    parts.ledger.gate.set()
    await asyncio.gather(*first, *rest)
    assert parts.ledger.asked == [1, 20]


async def test_first_come_is_first_served() -> None:
    """Where fewer fit than were asked, the last are refused."""
    assert await _Parts().charge(5, limit=3) == [True, True, True, False, False]


async def test_accounts_do_not_wait_for_each_other() -> None:
    """Each has its own statement."""
    parts = _Parts()
    await asyncio.gather(parts.quota.charge(ACCOUNT.id, 60), parts.quota.charge(_OTHER, 60))
    assert parts.ledger.asked == [1, 1]


async def test_a_client_that_leaves_takes_no_one_along() -> None:
    """Cancelling one check neither cancels the statement nor loses the others' answers."""
    parts = _Parts()
    parts.ledger.gate = asyncio.Event()
    leaving, staying = await _start(parts, 2)
    leaving.cancel()
    parts.ledger.gate.set()
    assert (await staying).granted
    assert leaving.cancelled() or leaving.cancelling()


async def test_a_changed_limit_counts_at_once() -> None:
    """A lower tier is not enforced by the old one's number."""
    parts = _Parts()
    assert await parts.charge(10, limit=100) == [True] * 10
    assert await parts.charge(1, limit=5) == [False]


async def test_an_outage_is_bridged_by_this_processes_share() -> None:
    """Never more than the share, and no request fails because of the database."""
    parts = _Parts(processes=2)
    parts.ledger.is_down = True
    granted = await parts.charge(40, limit=60) + await parts.charge(40, limit=60)
    assert sum(granted) == 30


async def test_during_an_outage_no_request_asks_the_database() -> None:
    """Not even to wait for its timeout."""
    parts = _Parts()
    parts.ledger.is_down = True
    await parts.charge(1)
    parts.breaker.trip("still")
    asked = len(parts.ledger.asked)
    await parts.charge(50)
    assert len(parts.ledger.asked) == asked


async def test_an_outage_goes_on_from_what_was_used() -> None:
    """It is no fresh start for an account that has just spent its limit."""
    parts = _Parts()
    assert sum(await parts.charge(50, limit=60)) == 50
    parts.ledger.is_down = True
    assert sum(await parts.charge(60, limit=60)) == 10


async def test_an_outages_end_is_no_fresh_start() -> None:
    """What the processes granted meanwhile counts when the database is back, and only once."""
    parts = _Parts(processes=2)
    assert sum(await parts.charge(10, limit=60)) == 10
    parts.ledger.is_down = True
    assert sum(await parts.charge(60, limit=60)) == 25
    await parts.recover()
    assert sum(await parts.charge(15, limit=60)) == 15
    assert sum(await parts.charge(60, limit=60)) == 10


async def test_what_an_outage_granted_refills() -> None:
    """A minute after it nothing is owed."""
    parts = _Parts()
    parts.ledger.is_down = True
    assert sum(await parts.charge(60, limit=60)) == 60
    await parts.recover()
    parts.clock.now += 60
    assert sum(await parts.charge(60, limit=60)) == 60


async def test_an_outage_that_lasts_too_long_is_undecided() -> None:
    """Undecided, never denied."""
    parts = _Parts()
    parts.ledger.is_down = True
    await parts.charge(1)
    parts.clock.now += 300.1
    parts.breaker.trip("still")
    with pytest.raises(QuotaUnavailableError):
        await parts.quota.charge(ACCOUNT.id, 60)


async def test_the_database_is_used_again_when_it_is_back() -> None:
    """A probe finds that out, and no request."""
    parts = _Parts()
    parts.ledger.is_down = True
    await parts.charge(1)
    await parts.recover()
    asked = len(parts.ledger.asked)
    await parts.charge(1)
    assert len(parts.ledger.asked) == asked + 1


async def test_a_bug_in_the_ledger_leaves_no_one_waiting() -> None:
    """Whatever it raises reaches everyone whose charge it was."""

    class _Broken(FakeLedger):
        async def ping(self) -> None:
            raise ZeroDivisionError

    parts = _Parts()
    parts.quota._ledger = _Broken(parts.clock)
    with pytest.raises(ZeroDivisionError):
        await parts.charge(1)
