"""Charging while there is no ledger, and going back to it."""

import asyncio
from random import Random

import pytest

from authz.domain.evidence import Source
from authz.domain.quota.amounts import Amounts, Dimension
from authz.domain.quota.quota import Limits
from authz.domain.undecided import DatabaseError, LedgerSlowError, QuotaUnavailableError
from authz.service.quota.decision import Admitted
from tests.authz.charger.parts import COST, LARGE, SECOND, Parts, settle
from tests.authz.doubles import ACCOUNT
from tests.authz.quota.simulation.truth import Admission, Truth
from tests.authz.until import until

_LIMITS = Limits(60, 60_000, 10**9)


async def _fail(parts: Parts) -> None:
    """Let the database go away, and somebody notice."""
    parts.ledger.is_down = True
    parts.breaker.trip("down")
    await settle()


async def _recover(parts: Parts) -> None:
    """Let it come back, and be told all that is owed."""
    parts.ledger.is_down = False
    await until(lambda: not parts.breaker.is_open)
    await parts.wait(3)


async def _admitted(parts: Parts, cost: Amounts = COST) -> int:
    """Charge until nothing more is admitted; return how often it was."""
    count = 0
    while await parts.admits(cost):
        count += 1
    return count


async def test_the_request_that_finds_it_away_is_decided() -> None:
    """It waits for one failure, and no other request does for any."""
    parts = Parts(_LIMITS)
    parts.ledger.is_down = True
    assert await parts.admits()
    before = parts.statements
    assert [await parts.admits() for _ in range(20)] == [True] * 20
    assert parts.statements == before
    assert parts.metric("authz_charge_outage") == 1


async def test_each_process_has_its_share() -> None:
    """Of four, a quarter; in every dimension, and with the wait that is true for it."""
    for limits in (Limits(60, 10**6, 10**9), Limits(1_000, 6_000, 10**9)):
        parts = Parts(limits, processes=4)
        await _fail(parts)
        assert await _admitted(parts) == 15
        refused = await parts.refuses()
        assert refused.limited.wait == 4 * SECOND
        assert refused.evidence.source is Source.OUTAGE
        assert refused.limited.used + refused.limited.requested > refused.limited.limit
        await parts.wait(3.9)
        assert not await parts.admits()
        await parts.wait(0.1)
        assert await parts.admits()


async def test_an_outage_tells_what_is_left_of_the_month() -> None:
    """Of what was last known, without what was granted since."""
    parts = Parts(Limits(60, 60_000, 10_000), processes=4)
    assert await parts.admits(Amounts(1, 1_000))
    await _fail(parts)
    assert await parts.admits(Amounts(1, 500))
    assert parts.charger.month_left(parts.holder()) == 8_500


async def test_an_outage_is_no_fresh_start() -> None:
    """It goes on from what was last known to be used, by whomever."""
    parts = Parts(_LIMITS, processes=4)
    for _ in range(40):
        assert await parts.admits()
    await parts.wait(0.1)
    held = int(parts.metric("authz_leased_requests"))
    await _fail(parts)
    assert held <= await _admitted(parts) <= held + 5


async def test_a_lease_is_used_to_its_end_and_no_longer() -> None:
    """Then this process's share of what is left stands in."""
    parts = Parts(LARGE, processes=100)
    for _ in range(60):
        assert await parts.admits()
        await parts.wait(0.05, step=0.05)
    held = int(parts.metric("authz_leased_requests"))
    assert held > 20
    await _fail(parts)
    sources = [(await parts.charge()).evidence.source for _ in range(held)]
    assert sources == [Source.LEASE] * held
    assert (await parts.charge()).evidence.source is Source.OUTAGE
    parts = Parts(LARGE, processes=100)
    await parts.admits()
    await parts.wait(0.2)
    await _fail(parts)
    parts.clock.now += 10
    assert (await parts.charge()).evidence.source is Source.OUTAGE


async def test_an_outage_is_exact_for_a_process_that_is_alone() -> None:
    """Through outages of any length, their beginnings and ends: one bucket admits all of it."""
    for seed in range(8):
        random = Random(seed)  # noqa: S311 it is to be the same again
        parts = Parts(_LIMITS)
        truth = Truth(_LIMITS, 0, parts.ledger.now)
        for _ in range(12):
            if random.random() < 0.5:
                parts.ledger.is_down = not parts.ledger.is_down
                await asyncio.sleep(0.003)
            for _ in range(random.randrange(40)):
                cost = Amounts(1, random.randint(1, 4_000))
                if await parts.admits(cost):
                    truth.admit(Admission(parts.ledger.now, cost))
            await parts.wait(random.choice((0.1, 1, 5, 20)), step=0.5)


async def test_an_outages_end_is_no_fresh_start() -> None:
    """What was granted is booked, so processes together get no more than the limit."""
    parts = Parts(_LIMITS, processes=1)
    await parts.admits(Amounts(1, 1))
    await parts.wait(1)
    await _fail(parts)
    assert await _admitted(parts, Amounts(1, 1)) == 60
    await _recover(parts)
    other = Parts(_LIMITS, ledger=parts.ledger, clock=parts.clock, name="other")
    assert await _admitted(other, Amounts(1, 1)) <= 4


async def test_what_an_outage_granted_refills_but_not_in_the_month() -> None:
    """Long outages lock nobody out afterwards, and cost what they served."""
    parts = Parts(_LIMITS, grace_seconds=3600)
    await _fail(parts)
    served = 0
    for _ in range(10):
        served += await _admitted(parts, Amounts(10, 1_000))
        await parts.wait(60, step=1)
    await _recover(parts)
    assert parts.quota().month.spent == served * 1_000 == 60_000
    assert await _admitted(parts, Amounts(1, 1)) >= 59


async def test_a_debt_is_told_until_it_is_heard() -> None:
    """Recovery may fail midway, any number of times, and nothing is booked twice."""
    parts = Parts(_LIMITS)
    await _fail(parts)
    served = 0
    for _ in range(4):
        served += await _admitted(parts, Amounts(10, 1_000))
        parts.ledger.gate = asyncio.Event()  # it hears, and its answers are lost
        parts.ledger.is_down = False
        await until(lambda: not parts.breaker.is_open)
        await parts.wait(2)
        parts.ledger.is_down = True
        parts.ledger.gate.set()
        parts.ledger.gate = None
        await settle()
        await parts.wait(30, step=1)
        assert await parts.admits(Amounts(10, 1_000))
        served += 1
    await _recover(parts)
    await parts.wait(10)
    assert parts.quota().month.spent == served * 1_000


async def test_an_outage_that_lasts_too_long_is_undecided() -> None:
    """A 503, and no guess."""
    parts = Parts(_LIMITS, grace_seconds=300)
    await _fail(parts)
    parts.clock.now += 300
    assert await parts.admits()
    parts.clock.now += 1
    with pytest.raises(QuotaUnavailableError):
        await parts.charge()
    await _recover(parts)
    assert await parts.admits()


async def test_a_shadow_tier_refuses_nobody_in_an_outage() -> None:
    """Nor where nothing can be decided."""
    parts = Parts(_LIMITS, grace_seconds=300)
    holder = parts.holder(shadow=True)
    await _fail(parts)
    assert all([await parts.admits(holder=holder) for _ in range(70)])
    parts.clock.now += 301
    decision = await parts.charge(holder=holder)
    assert isinstance(decision, Admitted)
    assert decision.evidence.shadow
    assert parts.metric("authz_shadow_refusals_total", reason="undecided") == 1


async def test_a_silent_ledger_is_waited_for_once() -> None:
    """All that wait are decided as soon as a probe has found it silent, too."""
    parts = Parts(_LIMITS, timeout_seconds=0.1)
    parts.ledger.gate = parts.ledger.thaw = asyncio.Event()
    decisions = await asyncio.gather(*(parts.charge() for _ in range(50)))
    assert {each.evidence.source for each in decisions} == {Source.OUTAGE}
    assert parts.breaker.is_open
    parts.ledger.gate.set()


async def test_a_ledger_that_is_late_is_no_outage() -> None:
    """A share beside a ledger that others go on with would grant what is granted there as well."""
    parts = Parts(_LIMITS, timeout_seconds=0.5)
    parts.ledger.gate = asyncio.Event()
    charge = asyncio.create_task(parts.charge())
    await until(lambda: parts.metric("authz_charge_suspicions_total") > 0)
    assert not parts.breaker.is_open
    parts.ledger.gate.set()
    assert (await charge).evidence.source is Source.LEDGER


async def test_a_request_that_is_not_answered_in_time_is_undecided() -> None:
    """Envoy would give up on it; whoever comes after the answer finds nobody in line."""
    parts = Parts(_LIMITS, timeout_seconds=0.05)
    parts.ledger.gate = asyncio.Event()
    with pytest.raises(LedgerSlowError):
        await parts.charge()
    parts.ledger.gate.set()
    await settle()
    assert await parts.admits()
    assert not parts.breaker.is_open


async def test_a_ledger_that_answers_nothing_for_long_is_away() -> None:
    """Though it answers probes: its disk, or a lock, may be what does not."""
    parts = Parts(_LIMITS, timeout_seconds=0.05)
    parts.ledger.gate = asyncio.Event()
    with pytest.raises(LedgerSlowError):
        await parts.charge()
    parts.clock.now += 2
    assert (await parts.charge()).evidence.source is Source.OUTAGE
    parts.ledger.gate.set()


async def test_what_fails_once_is_asked_again() -> None:
    """A connection that broke is no outage; the request that met it waits for a moment."""
    parts = Parts(_LIMITS)
    parts.ledger.bugs = [DatabaseError("reset")]
    charge = asyncio.create_task(parts.charge())
    await settle()
    assert not charge.done()
    await parts.wait(0.2)
    assert (await charge).evidence.source is Source.LEDGER
    assert parts.metric("authz_charge_outages_total") == 0


async def test_failures_long_apart_are_no_outage() -> None:
    """The first was never made good, because nobody asked anything since."""
    parts = Parts(_LIMITS, timeout_seconds=0.05)
    parts.ledger.gate = asyncio.Event()
    for _ in range(2):
        with pytest.raises(LedgerSlowError):
            await parts.charge()
        parts.clock.now += 60
    assert parts.metric("authz_charge_outages_total") == 0
    parts.ledger.gate.set()


async def test_what_fails_twice_is_an_outage() -> None:
    """Though probes succeed: a server whose disk is full can be read all the same."""
    parts = Parts(_LIMITS)
    parts.ledger.bugs = [DatabaseError("full")] * 2
    charge = asyncio.create_task(parts.charge())
    await parts.wait(0.2)
    assert (await charge).evidence.source is Source.OUTAGE


async def test_a_ledger_that_is_learning_is_an_outage() -> None:
    """It may not know its newest grants, so it grants nothing; and no caller is told so."""
    parts = Parts(_LIMITS)
    parts.ledger.is_learning = True
    decision = await parts.charge()
    assert decision.evidence.source is Source.OUTAGE


async def test_the_last_known_number_of_processes_counts() -> None:
    """What was set counts until the database was asked once, and never again."""
    parts = Parts(_LIMITS, processes=2)
    parts.ledger.processes = 6
    await parts.processes.refresh()
    parts.ledger.processes = 1
    await _fail(parts)
    await parts.processes.refresh()
    assert await _admitted(parts) == 10


async def test_a_request_beyond_a_share_passes_once_and_pays_in_full() -> None:
    """Or a small account of many processes would be locked out; the rate is the share's."""
    parts = Parts(Limits(3, 60_000, 10**9), processes=10)
    await _fail(parts)
    assert await _admitted(parts) == 1
    assert (await parts.refuses()).limited.wait == 200 * SECOND
    parts.clock.now += 200
    assert await parts.admits()


async def test_a_month_that_may_be_spent_elsewhere_is_undecided() -> None:
    """There is room for it, as far as is known: to say that there is none would be wrong."""
    parts = Parts(Limits(60, 60_000, 10_000), processes=10)
    await _fail(parts)
    assert await parts.admits(Amounts(1, 1_000))
    with pytest.raises(QuotaUnavailableError):
        await parts.charge(Amounts(1, 1_000))
    refused = await parts.refuses(Amounts(1, 10_001))
    assert refused.limited.dimension is Dimension.MONTH


async def test_keys_keep_their_own_limits_in_an_outage() -> None:
    """Both or neither, as always."""
    parts = Parts(_LIMITS)
    dev = parts.holder(requests_per_minute=3)
    await _fail(parts)
    assert [await parts.admits(holder=dev) for _ in range(4)] == [True] * 3 + [False]
    assert await _admitted(parts) == 57


async def test_a_refund_in_an_outage_is_for_the_month() -> None:
    """There was no lease to give it back to."""
    parts = Parts(_LIMITS)
    await _fail(parts)
    decision = await parts.charge()
    assert isinstance(decision, Admitted)
    assert not parts.charger.refund(ACCOUNT.id, parts.holder().key.id, decision.ticket)


async def test_after_an_outage_not_all_ask_at_once() -> None:
    """Each budget that owes something tells it at a moment of its own."""
    random = Random(1)  # noqa: S311 it is to be the same again
    parts = Parts(_LIMITS, jitter=lambda: random.uniform(0.5, 1.5))
    await _fail(parts)
    for number in range(50):
        await parts.admits(holder=parts.holder(account=number))
    await parts.wait(5)
    parts.ledger.is_down = False
    await until(lambda: not parts.breaker.is_open)
    before = parts.statements
    await parts.wait(2)
    debts = [len(batch) for batch in parts.ledger.batches[before:]]
    assert sum(debts) >= 50
    assert max(debts) < 25


async def test_headers_in_an_outage_tell_the_share() -> None:
    """In the account's own terms: what it could do if all processes were asked alike."""
    parts = Parts(_LIMITS, processes=4)
    await _fail(parts)
    standing = (await parts.charge()).standing
    assert (standing.requests.limit, standing.requests.remaining) == (60, 56)
    assert standing.tokens.remaining == 60_000 - 400


async def test_a_second_outage_is_no_fresh_start_before_the_first_was_told() -> None:
    """And all of it is told at last, though the process stops at once."""
    parts = Parts(_LIMITS)
    await parts.admits()
    await parts.wait(0.1)
    await _fail(parts)
    served = 1 + await _admitted(parts)
    parts.ledger.gate = asyncio.Event()
    parts.ledger.is_down = False
    await until(lambda: not parts.breaker.is_open)
    await parts.wait(3)  # what is owed is told, and not answered
    parts.ledger.is_down = True
    parts.ledger.gate.set()
    await settle()
    more = await _admitted(parts)
    assert 0 < more <= 4
    parts.ledger.is_down = False
    await until(lambda: not parts.breaker.is_open)
    await parts.charger.stop(5)
    assert parts.quota().month.spent == (served + more) * 100
    assert parts.ledger.ledgers[ACCOUNT.id].leases == {}


async def test_stopping_in_an_outage_waits_for_nobody() -> None:
    """There is nobody to return a lease to."""
    parts = Parts(_LIMITS)
    await parts.admits()
    await _fail(parts)
    await parts.charger.stop(5)
