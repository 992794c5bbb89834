"""What happens to budgets beside the requests: no sooner than it has to, and not at all if idle."""

from dataclasses import replace
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from authz.domain.directory import AccountId
from authz.domain.evidence import Source
from authz.domain.quota import ledger as ledgers
from authz.domain.quota.amounts import Amounts
from authz.domain.quota.asking import hear, miss
from authz.domain.quota.charging import charge
from authz.domain.quota.holder import Holder, Sent
from authz.domain.quota.lease_messages import Ask, HolderId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.ledger import Ledger
from authz.domain.quota.owing import Debt, is_owing, owe
from authz.domain.quota.quota import fresh
from authz.domain.quota.upkeep import next_due, tend
from tests.authz.charger.parts import COST, LARGE, SECOND, Parts
from tests.authz.doubles import ACCOUNT

_RULES = LeaseRules()


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("charge", "charge", "flood", "tend", "answer", "lose")),
            st.integers(1, 3 * SECOND),
        ),
        max_size=25,
    )
)
def test_before_what_is_due_next_there_is_nothing_to_ask(
    steps: list[tuple[str, int]],
) -> None:
    """Whatever became of a holder: one that is not woken sooner misses nothing."""
    holder, ledger = Holder(HolderId("one"), _RULES), Ledger(fresh(LARGE, 1))
    now, under_way = 1_000 * SECOND, list[Ask]()
    for what, elapsed in steps:
        now += elapsed
        asks: tuple[Ask, ...] = ()
        match what:
            case "charge" | "flood":
                cost = COST if what == "charge" else Amounts(500, 100_000)
                holder, _, asks = charge(holder, cost, now)
            case "tend":
                holder, asks = tend(holder, now)
            case "answer" if under_way:
                ask = under_way.pop(0)
                ledger, answer = ledgers.answer(ledger, ask, LARGE, _RULES, now)
                holder = hear(holder, ask, answer, now)
            case "lose" if under_way:
                holder = miss(holder, under_way.pop(0), now)
        under_way += asks
        due = next_due(holder, now)
        soon = now + 20 * SECOND if due is None else due
        if soon - now > SECOND // 4:  # one that is low looks that often whether there is more
            assert tend(holder, now + (soon - now) // 2)[1] == ()
            assert tend(holder, soon - 1)[1] == ()


async def test_idle_budgets_are_not_looked_at() -> None:
    """Once they have returned their leases, a tick does nothing for any of them."""
    parts = Parts()
    holder = parts.holder()
    for number in range(300):
        account = replace(ACCOUNT, id=AccountId(UUID(int=10 + number)))
        await parts.charge(holder=replace(holder, account=account))
    await parts.wait(6, step=0.5)
    before = [budget.wakes_at for budget in parts.book]
    await parts.wait(60, step=1)
    assert [budget.wakes_at for budget in parts.book] == before
    assert min(before) >= round((parts.clock.now + 500) * SECOND)


async def test_what_is_idle_for_long_is_forgotten() -> None:
    """And its next lease has a number that was never used."""
    parts = Parts()
    await parts.charge()
    [(_, first)] = parts.ledger.batches[0]
    await parts.wait(599, step=1)
    assert len(list(parts.book)) == 1
    await parts.wait(3, step=1)
    assert list(parts.book) == []
    await parts.charge()
    numbers = [ask.lease.number for batch in parts.ledger.batches for _, ask in batch]
    assert numbers[-1] > max(numbers[:-1])
    assert first.lease.number == min(numbers)


def test_a_debt_is_told_for_as_long_as_it_takes() -> None:
    """A lease that ended was taken as spent by the ledger; of a debt it may never have heard."""
    debt = Debt(Amounts(5, 500), refilled=Amounts(3, 300))
    now = 1_000 * SECOND
    holder = owe(Holder(HolderId("one"), _RULES), debt, now)
    for _ in range(10):
        holder, [ask] = tend(holder, now)
        assert (ask.opens, ask.closes) == (True, False)
        assert (ask.spent, ask.refilled) == (debt.granted, debt.refilled)
        holder = miss(holder, ask, now)
        now += 60 * SECOND
    ledger, answer = ledgers.answer(Ledger(fresh(LARGE, now)), ask, LARGE, _RULES, now)
    assert ledger.quota.room == Amounts(LARGE.requests_per_minute - 2, 600_000 - 200)
    assert ledger.quota.month.spent == 500
    assert not is_owing(hear(replace(holder, asking=Sent(ask, now)), ask, answer, now))


async def test_a_lonely_request_is_asked_for_and_returned() -> None:
    """Nothing is had ahead of a need that may never come, and what reports it returns the lease."""
    parts = Parts()
    await parts.admits()
    await parts.wait(10)
    asks = [ask for batch in parts.ledger.batches for _, ask in batch]
    assert [ask.closes for ask in asks] == [False, True]
    assert parts.quota().month.spent == 100


async def test_a_caller_that_comes_again_never_waits_a_third_time() -> None:
    """However slowly it comes, as long as its lease is not idle."""
    parts = Parts()
    sources = []
    for _ in range(20):
        decision = await parts.charge()
        sources.append(decision.evidence.source)
        await parts.wait(0.8)
    assert sources[2:] == [Source.LEASE] * 18
