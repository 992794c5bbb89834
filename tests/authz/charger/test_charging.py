"""Charging from a lease, and waiting for one."""

import asyncio

import pytest

from authz.domain.evidence import Source
from authz.domain.quota.amounts import Amounts, Dimension
from authz.domain.quota.outcome import Limited
from authz.domain.quota.quota import Limits
from authz.domain.undecided import ChargesBusyError
from authz.service.quota.decision import Admitted
from tests.authz.charger.parts import COST, LARGE, SECOND, Parts, settle
from tests.authz.doubles import ACCOUNT

_SMALL = Limits(3, 10_000, 10**9)


async def _warm(parts: Parts) -> None:
    """Call steadily for as long as it takes to hold a lease of full size."""
    for _ in range(40):
        assert await parts.admits()
        await parts.wait(0.05, step=0.05)


def _at_once(parts: Parts) -> bool:
    """Charge without letting any other task run; tell whether that decided."""
    charge = parts.charger.charge(parts.holder(), COST)
    try:
        charge.send(None)
    except StopIteration as returned:
        return isinstance(returned.value, Admitted)
    charge.close()
    return False


async def test_with_a_lease_held_nothing_is_waited_for() -> None:
    """Not even for the event loop: the decision is made in memory, in one go."""
    parts = Parts()
    assert not _at_once(parts)
    await _warm(parts)
    before = parts.statements
    assert [_at_once(parts) for _ in range(5)] == [True] * 5
    assert parts.statements == before


async def test_a_steady_caller_never_waits() -> None:
    """Its lease is renewed ahead of need, for a minute; statements are a fraction of requests."""
    parts = Parts()
    await _warm(parts)
    before = parts.statements
    for _ in range(60 * 20):
        assert _at_once(parts)
        await parts.wait(0.05, step=0.05)
    assert parts.statements - before < 200


async def test_the_limit_is_exact_over_processes() -> None:
    """Two that share a ledger admit what one bucket would, and not one request more."""
    one = Parts(Limits(60, 60_000, 10**9))
    two = Parts(one.limits, ledger=one.ledger, clock=one.clock, name="two")
    admitted = 0
    for _ in range(600):
        for parts in (one, two):
            admitted += await parts.admits(Amounts(1, 10))
            await parts.wait(0.05)
    assert 0.97 * 120 <= admitted <= 120


async def test_what_is_left_of_the_month_is_known_between_processes() -> None:
    """What others hold and may yet spend is not left; nor is any of it lost."""
    one = Parts(Limits(6_000, 600_000, 10_000))
    two = Parts(one.limits, ledger=one.ledger, clock=one.clock, name="two")
    assert one.charger.month_left(one.holder()) == 10_000  # as far as is known
    for _ in range(20):
        for parts in (one, two):
            assert await parts.admits(Amounts(1, 100))
            await parts.wait(0.1)
    left = [parts.charger.month_left(parts.holder()) for parts in (one, two)]
    assert all(3_000 <= each <= 6_000 for each in left)
    for parts in (one, two):
        await parts.charger.stop(1)
        await parts.wait(1)
    assert await one.admits(Amounts(1, 0))
    assert one.charger.month_left(one.holder()) == 6_000


async def test_what_a_process_holds_itself_is_left() -> None:
    """Alone, it knows to the token."""
    parts = Parts()
    await _warm(parts)
    assert parts.metric("authz_leased_tokens") > 0
    assert parts.charger.month_left(parts.holder()) == 10**9 - 40 * COST.tokens


async def test_a_keys_month_is_its_accounts() -> None:
    """Whatever limits of its own it has."""
    parts = Parts(Limits(60, 60_000, 10_000))
    dev = parts.holder(requests_per_minute=3)
    assert await parts.admits(Amounts(1, 100))
    assert await parts.admits(Amounts(1, 300), dev)
    assert parts.charger.month_left(dev) == 9_600


async def test_a_request_without_tokens_needs_no_room_for_any() -> None:
    """Whatever is spent, in the account and in the key; requests are counted all the same."""
    parts = Parts(Limits(5, 100, 100))
    dev = parts.holder(tokens_per_minute=100)
    assert await parts.admits(Amounts(1, 100), dev)
    assert [await parts.admits(Amounts(1, 0), dev) for _ in range(5)] == [True] * 4 + [False]
    assert parts.quota().room == Amounts(0, 0)


async def test_one_limited_dimension_burns_no_other() -> None:
    """All or nothing: what tokens refuse costs no request, and the month nothing."""
    parts = Parts(Limits(10, 1_000, 10**9))
    assert await parts.admits(Amounts(1, 900))
    refused = await parts.refuses(Amounts(1, 200))
    assert refused.limited == Limited(Dimension.TOKENS, 1_000, 900, 200, 6 * SECOND)
    assert refused.standing.requests.remaining == 9
    assert await parts.admits(Amounts(1, 100))
    assert parts.quota().room == Amounts(8, 0)


async def test_a_wait_is_exact() -> None:
    """A client that obeys it to the microsecond is served, and none sooner."""
    parts = Parts(_SMALL)
    assert [await parts.admits() for _ in range(3)] == [True] * 3
    limited = (await parts.refuses()).limited
    assert (limited.limit, limited.used, limited.requested) == (3, 3, 1)
    assert limited.wait == 20 * SECOND
    await settle()  # what is used is reported, for it refills from then on
    parts.clock.now += 20 - 1e-6
    assert (await parts.refuses()).limited.wait == 1
    parts.clock.now += 1e-6
    assert await parts.admits()


async def test_a_flood_is_refused_without_asking() -> None:
    """What the ledger said a moment ago refuses a thousand requests."""
    parts = Parts(_SMALL)
    for _ in range(4):
        await parts.charge()
    before = parts.statements
    for _ in range(1000):
        await parts.refuses()
    assert parts.statements == before


async def test_requests_that_wait_are_asked_for_together() -> None:
    """A burst costs a few statements, and is served in the order in which it came."""
    parts, order = Parts(LARGE), list[int]()

    async def charge(number: int) -> None:
        assert await parts.admits()
        order.append(number)

    await asyncio.gather(*(charge(number) for number in range(100)))
    assert order == list(range(100))
    assert parts.statements <= 4
    [(_, second)] = parts.ledger.batches[1]
    assert second.wanted == Amounts(100, 10_000)


async def test_nobody_overtakes_who_waits() -> None:
    """A small request behind a large one waits for its turn, though its own would be at hand."""
    parts = Parts(LARGE)
    await _warm(parts)
    parts.ledger.gate = asyncio.Event()
    order: list[str] = []

    async def charge(name: str, cost: Amounts) -> None:
        assert await parts.admits(cost)
        order.append(name)

    large = asyncio.create_task(charge("large", Amounts(1, 300_000)))
    await settle()
    assert not large.done()
    small = asyncio.create_task(charge("small", Amounts(1, 1)))
    await settle()
    assert order == []
    parts.ledger.gate.set()
    await asyncio.gather(large, small)
    assert order == ["large", "small"]


async def test_a_client_that_leaves_takes_no_one_along() -> None:
    """And is not charged."""
    parts = Parts(_SMALL)
    parts.ledger.gate = asyncio.Event()
    tasks = [asyncio.create_task(parts.charge()) for _ in range(4)]
    await settle()
    tasks[1].cancel()
    await settle()
    parts.ledger.gate.set()
    decisions = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each).__name__ for each in decisions] == [
        *("Admitted", "CancelledError", "Admitted", "Admitted"),
    ]


async def test_a_charge_that_nobody_takes_any_more_is_undone() -> None:
    """The client left in the moment in which it was decided."""
    parts = Parts(Limits(10, 10_000, 10**9))
    first = asyncio.create_task(parts.charge())

    async def charge() -> None:
        await parts.charge()
        leaving.cancel()  # it is decided, and does not know it yet

    second = asyncio.create_task(charge())
    leaving = asyncio.create_task(parts.charge())
    await asyncio.gather(first, second)
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert [await parts.admits() for _ in range(9)] == [True] * 8 + [False]


async def test_a_line_has_an_end() -> None:
    """The next request is turned away rather than kept waiting."""
    parts = Parts(LARGE)
    parts.ledger.gate = asyncio.Event()
    tasks = [asyncio.create_task(parts.charge()) for _ in range(2000)]
    await settle()
    with pytest.raises(ChargesBusyError):
        await parts.charge()
    parts.ledger.gate.set()
    await asyncio.gather(*tasks)


async def test_a_refund_in_time_goes_back_to_the_lease() -> None:
    """Once, and it is there to be charged again."""
    parts = Parts(_SMALL)
    holder = parts.holder()
    decision = await parts.charge()
    assert isinstance(decision, Admitted)
    assert parts.charger.refund(ACCOUNT.id, holder.key.id, decision.ticket)
    assert not parts.charger.refund(ACCOUNT.id, holder.key.id, decision.ticket)
    assert [await parts.admits() for _ in range(4)] == [True, True, True, False]


async def test_a_refund_that_comes_late_says_so() -> None:
    """It is booked as spent by then, and somebody else has to return it to the month."""
    parts = Parts(_SMALL)
    decision = await parts.charge()
    assert isinstance(decision, Admitted)
    await parts.wait(2.5)
    assert not parts.charger.refund(ACCOUNT.id, parts.holder().key.id, decision.ticket)


async def test_what_is_idle_is_returned() -> None:
    """All that is left, so that others can have it."""
    parts = Parts()
    await _warm(parts)
    assert parts.quota().reserved != Amounts(0, 0)
    await parts.wait(4.5)
    assert parts.ledger.ledgers[ACCOUNT.id].leases == {}
    assert parts.quota().month.spent == 40 * 100
    assert parts.metric("authz_leased_requests") == 0


async def test_stopping_returns_every_lease() -> None:
    """At once, with what was spent; also where an answer is under way."""
    parts = Parts()
    await _warm(parts)
    parts.ledger.gate = asyncio.Event()
    under_way = asyncio.create_task(parts.charge(Amounts(1, 300_000)))
    await settle()
    under_way.cancel()
    stopping = asyncio.create_task(parts.charger.stop(5))
    await settle()
    parts.ledger.gate.set()
    await stopping
    assert parts.ledger.ledgers[ACCOUNT.id].leases == {}
    assert parts.quota().month.spent == 40 * 100


async def test_stopping_takes_no_longer_than_it_may() -> None:
    """A ledger that is silent keeps nobody from leaving."""
    parts = Parts()
    await _warm(parts)
    parts.ledger.gate = asyncio.Event()
    await parts.charger.stop(0.01)


async def test_what_is_held_unused_is_told() -> None:
    """It is what other processes cannot have: the bound of what is admitted too little."""
    parts = Parts()
    await _warm(parts)
    held = parts.metric("authz_leased_requests")
    assert 0 < held <= LARGE.during(2 * SECOND).requests
    await parts.admits()
    assert parts.metric("authz_leased_requests") == held - 1
    assert parts.metric("authz_leased_tokens") == (held - 1) * 100


async def test_evidence_says_by_what_it_was_decided() -> None:
    """The ledger where it was asked, the lease where not; and how that stands."""
    parts = Parts()
    first = await parts.charge()
    await _warm(parts)
    second = await parts.charge()
    assert [each.evidence.source for each in (first, second)] == [Source.LEDGER, Source.LEASE]
    assert second.evidence.left is not None
    assert second.evidence.left.requests == parts.metric("authz_leased_requests")
    assert second.evidence.lease_ends_in is not None
    assert 5 * SECOND < second.evidence.lease_ends_in <= 10 * SECOND


async def test_a_changed_tier_counts_without_a_restart() -> None:
    """The ledger knows it first; what the process heard a moment ago is soon forgotten."""
    parts = Parts(_SMALL)
    for _ in range(4):
        await parts.charge()
    parts.ledger.limits = Limits(6_000, 10_000, 10**9)
    await parts.wait(1)
    assert await parts.admits()


async def test_shadow_tiers_record_and_refuse_nothing() -> None:
    """What would be refused passes without being charged, and is counted."""
    parts = Parts(_SMALL)
    holder = parts.holder(shadow=True)
    decisions = [await parts.charge(holder=holder) for _ in range(5)]
    assert [isinstance(each, Admitted) for each in decisions] == [True] * 5
    assert [each.evidence.shadow for each in decisions] == [False] * 3 + [True] * 2
    assert decisions[4].evidence.limited is not None
    assert parts.quota().month.spent + parts.quota().month.reserved == 300
    assert parts.metric("authz_shadow_refusals_total", reason="requests") == 2
