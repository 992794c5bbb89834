"""What failed is refunded, once, to the lease while that can take it, and else to the month."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from authz.domain.directory import AccountId, KeyId
from authz.domain.quota.amounts import Amounts
from authz.domain.quota.charging import Charged
from authz.domain.quota.lease_messages import HolderId, LeaseId
from authz.domain.undecided import UsageUnavailableError
from authz.domain.usage.charge import MINUTE
from authz.domain.usage.tally import Tally
from authz.service.quota.decision import NO_TICKET, Ticket
from authz.service.usage.drain import UsageDrain
from authz.service.usage.metrics import UsageMetrics
from authz.service.usage.recent import Recent
from authz.service.usage.record import Paid, UsageRecorder
from authz.service.usage.refund import Refunder
from authz.storage.failures_file import FailuresFile
from tests.authz.doubles import ManualClock
from tests.authz.usage.making import ALICE, NOW, FakeTable, Kept

_COST = Amounts(1, 10)
_TICKET = Ticket(Charged(LeaseId(HolderId("here"), 1), 1, _COST), None)


class Process:
    """What refunds in a process, around a real journal and a real file."""

    def __init__(self, kept: Kept, path: Path) -> None:
        self.kept = kept
        self.path = path
        self.lease_takes = True
        self.returned: list[Ticket] = []
        self.start()

    def start(self) -> None:
        """Begin, as after a crash: with the disk alone."""
        self.registry = CollectorRegistry()
        clock = ManualClock()
        metrics = UsageMetrics(self.registry, self.kept.journal, self.kept.file, self.kept.clock)
        paid: Recent[int, Paid] = Recent(3, 1000, clock)
        given_up: Recent[str, str] = Recent(60, 1000, clock)
        self.recorder = UsageRecorder(self.kept.journal, "m", paid, given_up, metrics)
        self.refunder = Refunder(
            self.kept.journal, FailuresFile(self.path), self._give_back, paid, given_up, metrics, 1
        )

    def restart(self) -> None:
        """Be killed, and start anew."""
        self.kept.restart()
        self.start()

    def _give_back(self, account_id: AccountId, key_id: KeyId, ticket: Ticket) -> bool:
        assert (account_id, key_id) == (ALICE.account_id, ALICE.key_id)
        if self.lease_takes:
            self.returned.append(ticket)
        return self.lease_takes

    def record(self, request_id: str, ticket: Ticket = _TICKET) -> int:
        """Charge a request of Alice's."""
        return self.recorder.record(request_id, ALICE.account_id, ALICE.key_id, _COST, ticket)

    async def fail(
        self, request_id: str, status: int = 503, flags: str = "UC", sent: int = 9
    ) -> None:
        """Have Envoy say how a request ended, and refund."""
        self.report(request_id, status, flags, sent)
        await self.refunder.refund_new()

    def report(self, request_id: str, status: int = 503, flags: str = "UC", sent: int = 9) -> None:
        """Have Envoy say how a request ended."""
        with self.path.open("a") as file:
            file.write(
                f'{{"request_id":"{request_id}","status":{status},"flags":"{flags}",'
                f'"sent_bytes":{sent}}}\n'
            )

    def tally(self) -> Tally:
        """Return all that was counted."""
        return self.kept.totals().get(ALICE, Tally())

    def counted(self, where: str) -> float:
        """Return how many refunds went there."""
        return self.registry.get_sample_value("authz_refunds_total", {"where": where}) or 0.0


@pytest.fixture
async def process(kept: Kept, tmp_path: Path) -> Process:
    """A process that has found nothing to refund yet."""
    process = Process(kept, tmp_path / "failures.jsonl")
    await process.refunder.refund_new()
    return process


def test_the_minute_of_a_charge_is_told(process: Process) -> None:
    """So that others can count by the same one."""
    assert process.record("a") == NOW // MINUTE


async def test_a_lease_that_can_takes_its_charge_back(process: Process) -> None:
    """Then nothing is to be returned to the month."""
    process.record("a")
    await process.fail("a")
    assert process.tally() == Tally(1, 10, 1, 1, 10, 0)
    assert process.returned == [_TICKET]
    assert process.counted("lease") == 1


async def test_what_failed_before_a_long_absence_is_refunded_before_it_is_forgotten(
    process: Process,
) -> None:
    """However much was reported meanwhile."""
    process.record("a")
    for number in range(1000):
        process.report(f"another-{number}")
    process.report("a")
    process.restart()
    process.kept.clock.now += 60 * MINUTE
    kept, caught_up = process.kept, process.refunder.has_caught_up
    drain = UsageDrain(
        kept.file, kept.journal, kept.counters, FakeTable(), 0.01, caught_up, lambda: 1.0
    )
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        draining = group.create_task(drain.run())
        await group.create_task(process.refunder.refund_new())
        draining.cancel()
    assert process.tally() == Tally(1, 10, 1, 1, 10, 10)
    await drain.drain()
    assert kept.journal.find("a") == []


async def test_what_no_lease_takes_is_returned_to_the_month(process: Process) -> None:
    """It is settled there, and was spent."""
    process.lease_takes = False
    process.record("a")
    await process.fail("a")
    assert process.tally() == Tally(1, 10, 1, 1, 10, 10)
    assert process.counted("month") == 1


async def test_what_no_lease_paid_is_returned_to_nobody(process: Process) -> None:
    """It was granted in an outage, or by a tier that only watches."""
    process.record("a", NO_TICKET)
    await process.fail("a")
    assert process.tally() == Tally(1, 10, 1, 1, 10, 0)
    assert (process.returned, process.counted("none")) == ([], 1)


async def test_a_failure_that_is_reported_again_refunds_nothing(process: Process) -> None:
    """Neither at once nor later."""
    process.record("a")
    process.report("a")
    for _ in range(3):
        await process.fail("a")
    assert process.tally().refunded_requests == 1
    assert len(process.returned) == 1


async def test_each_failure_is_read_once(process: Process) -> None:
    """Or each look at the file would take longer than the one before."""
    await process.fail("a")
    before = process.kept.journal.read_position()
    await process.fail("b")
    assert process.refunder._position == process.kept.journal.read_position() != before


async def test_each_failure_with_one_id_refunds_one_charge(process: Process) -> None:
    """In one reading, and over several."""
    for _ in range(3):
        process.record("a")
    process.report("a")
    await process.fail("a")
    assert process.tally().refunded_requests == 2
    await process.fail("a")
    assert process.tally().refunded_requests == 3


async def test_who_leaves_after_dispatch_pays(process: Process) -> None:
    """And who leaves before does not."""
    process.record("a")
    process.record("b")
    await process.fail("a", 0, "DC", sent=9)
    assert process.tally().refunded_requests == 0
    await process.fail("b", 0, "DC", sent=0)
    assert process.tally() == Tally(2, 20, 0, 1, 10, 0)


async def test_anothers_request_is_nothing_to_us(process: Process) -> None:
    """Each process reads all failures."""
    await process.fail("theirs")
    assert process.tally() == Tally()


async def test_what_failed_while_nobody_ran_is_refunded_by_the_next_process(
    process: Process,
) -> None:
    """As `kill -9` between the charge and the answer leaves it; the lease has died with it."""
    process.record("a")
    process.restart()
    await process.fail("a", 503, "UAEX", sent=0)
    assert process.tally() == Tally(1, 10, 0, 1, 10, 10)
    process.restart()
    await process.refunder.refund_new()
    assert process.tally().refunded_requests == 1


async def test_a_check_that_envoy_gave_up_on_is_not_charged_afterwards(process: Process) -> None:
    """Its failure comes before its charge, and would find none to refund."""
    await process.fail("a", 503, "UAEX", sent=0)
    with pytest.raises(UsageUnavailableError):
        process.record("a")
    process.record("b")
    assert process.tally() == Tally(1, 10)


@pytest.mark.parametrize("damage", ["read-only", "closed"])
async def test_a_journal_that_fails_refunds_later_and_gives_back_once(
    process: Process, damage: str
) -> None:
    """The lease took its charge back before that could be written down."""
    process.record("a")
    process.kept.fold()
    process.report("a")
    break_, mend = _ways(process, damage)
    break_()
    await process.refunder.refund_new()
    await process.refunder.refund_new()
    mend()
    process.lease_takes = False
    await process.refunder.refund_new()
    assert process.tally() == Tally(1, 10, 1, 1, 10, 0 if process.returned else 10)
    assert len(process.returned) <= 1


def _ways(process: Process, damage: str) -> tuple[Callable[[], object], Callable[[], object]]:
    if damage == "closed":
        return process.kept.file.close, process.kept.file.tend
    execute = process.kept.file.connection.execute
    # Any statement that writes fails then.
    return lambda: execute("PRAGMA query_only = 1"), lambda: execute("PRAGMA query_only = 0")


async def test_a_charge_that_cannot_be_written_is_counted_and_refused(process: Process) -> None:
    """The request must not pass."""
    process.kept.file.close()
    with pytest.raises(UsageUnavailableError):
        process.record("a")
    name = "authz_usage_journal_failures_total"
    assert process.registry.get_sample_value(name) == 1


async def test_an_old_charge_is_not_refunded(process: Process) -> None:
    """After ten minutes nobody knows of it."""
    process.record("a")
    process.kept.fold()
    process.kept.clock.now += 11 * MINUTE
    process.kept.journal.forget(100)
    await process.fail("a")
    assert process.tally() == Tally(1, 10)


async def test_what_waits_can_be_watched(process: Process) -> None:
    """How much, and for how long."""
    process.record("a")
    process.kept.clock.now += 30 * 10**6
    sample = process.registry.get_sample_value
    assert sample("authz_usage_pending_rows") == 1
    assert sample("authz_usage_drained_seconds") == 30
    assert sample("authz_usage_refused_rows") == 0
    assert sample("authz_usage_journals_put_aside") == 0


def test_recent_values_are_kept_for_a_while_and_no_longer() -> None:
    """Between once and twice that long, and fewer where there are too many."""
    clock = ManualClock()
    recent: Recent[int, str] = Recent(10, 3, clock)
    recent.put(1, "one")
    clock.now += 9
    recent.put(2, "two")
    clock.now += 10
    recent.put(3, "three")
    assert [recent.get(each) for each in (1, 2, 3)] == ["one", "two", "three"]
    clock.now += 25
    recent.put(4, "four")
    assert [recent.get(each) for each in (1, 2, 3, 4)] == [None, None, None, "four"]
    for number in range(5, 30):
        recent.put(number, "many")
    assert [number for number in range(30) if recent.get(number)] == list(range(25, 30))[-5:]
