"""Keys with limits of their own, inside their account's."""

import asyncio

from authz.domain.evidence import Whose
from authz.domain.quota.amounts import Amounts, Dimension
from authz.domain.quota.quota import Limits
from authz.service.quota.decision import Admitted
from tests.authz.charger.parts import COST, LARGE, SECOND, Parts, settle
from tests.authz.doubles import ACCOUNT

_ACCOUNT = Limits(60, 60_000, 10**9)


async def test_a_keys_own_limit_holds() -> None:
    """And is named as the key's."""
    parts = Parts(_ACCOUNT)
    dev = parts.holder(requests_per_minute=3)
    assert [await parts.admits(holder=dev) for _ in range(3)] == [True] * 3
    refused = await parts.refuses(holder=dev)
    assert refused.evidence.budget is Whose.KEY
    limited = refused.limited
    assert (limited.dimension, limited.limit, limited.wait) == (
        *(Dimension.REQUESTS, 3, 20 * SECOND),
    )


async def test_a_dev_key_cannot_starve_prod() -> None:
    """What it is refused costs its account nothing, however often it asks."""
    parts = Parts(_ACCOUNT)
    dev, prod = parts.holder(key=1, requests_per_minute=3), parts.holder(key=2)
    flood = [asyncio.create_task(parts.charge(holder=dev)) for _ in range(300)]
    admitted = [await parts.admits(holder=prod) for _ in range(57)]
    decisions = await asyncio.gather(*flood)
    assert admitted == [True] * 57
    assert sum(isinstance(each, Admitted) for each in decisions) == 3
    assert (await parts.refuses(holder=prod)).evidence.budget is Whose.ACCOUNT


async def test_what_the_account_refuses_costs_the_key_nothing() -> None:
    """Both or neither."""
    parts = Parts(Limits(10, 500, 10**9))
    dev = parts.holder(requests_per_minute=5)
    assert await parts.admits(Amounts(1, 400), dev)
    refused = await parts.refuses(Amounts(1, 200), dev)
    assert refused.evidence.budget is Whose.ACCOUNT
    assert await parts.admits(Amounts(1, 100), dev)
    assert parts.quota(dev.key.id).room.requests == 3
    assert parts.quota().room == Amounts(8, 0)


async def test_a_key_that_limits_tokens_alone_has_its_accounts_requests() -> None:
    """A dimension that it does not limit is no limit of its own."""
    parts = Parts(_ACCOUNT)
    dev = parts.holder(tokens_per_minute=250)
    assert [await parts.admits(holder=dev) for _ in range(2)] == [True] * 2
    refused = await parts.refuses(holder=dev)
    assert (refused.limited.dimension, refused.limited.limit) == (Dimension.TOKENS, 250)


async def test_a_limit_that_a_key_has_of_its_account_is_named_as_the_accounts() -> None:
    """Whichever of both refused: to change the key's limits would help nobody."""
    parts = Parts(Limits(60, 600, 10**9))
    dev = parts.holder(requests_per_minute=30)
    assert await parts.admits(Amounts(1, 600), dev)
    for cost in (Amounts(1, 10), Amounts(1, 700)):
        refused = await parts.refuses(cost, dev)
        assert refused.limited.dimension is Dimension.TOKENS
        assert refused.evidence.budget is Whose.ACCOUNT


async def test_headers_tell_the_tighter_of_both() -> None:
    """By dimension: a client that obeys them runs into neither."""
    parts = Parts(_ACCOUNT)
    dev = parts.holder(requests_per_minute=3)
    decision = await parts.charge(holder=dev)
    assert decision.standing.requests.limit == 3
    assert decision.standing.requests.remaining == 2
    assert decision.standing.tokens.limit == 60_000


async def test_the_longest_wait_is_told() -> None:
    """Waiting for the other would be in vain."""
    parts = Parts(Limits(60, 600, 10**9))
    dev = parts.holder(requests_per_minute=1)
    assert await parts.admits(Amounts(1, 600), dev)
    refused = await parts.refuses(Amounts(1, 10), dev)
    assert refused.evidence.budget is Whose.KEY
    assert refused.limited.wait == 60 * SECOND


async def test_both_leases_answer_without_a_statement() -> None:
    """Once both are held; and both are asked for in one statement."""
    parts = Parts(LARGE)
    key = parts.holder(requests_per_minute=3_000)
    assert await parts.admits(holder=key)
    assert [len(batch) for batch in parts.ledger.batches] == [2]
    for _ in range(40):
        assert await parts.admits(holder=key)
        await parts.wait(0.05, step=0.05)
    before = parts.statements
    assert [await parts.admits(holder=key) for _ in range(5)] == [True] * 5
    assert parts.statements == before


async def test_a_refund_goes_back_to_both() -> None:
    """A request that fails costs neither."""
    parts = Parts(_ACCOUNT)
    dev = parts.holder(requests_per_minute=1)
    decision = await parts.charge(holder=dev)
    assert isinstance(decision, Admitted)
    assert parts.charger.refund(ACCOUNT.id, dev.key.id, decision.ticket)
    assert await parts.admits(holder=dev)


async def test_a_key_whose_limits_are_gone_is_held_by_its_account_alone() -> None:
    """The directory hears of it a moment after the ledger knows it."""
    parts = Parts(_ACCOUNT)
    dev = parts.holder(requests_per_minute=1)
    parts.ledger.limits_of[dev.key.id] = None
    assert [await parts.admits(holder=dev) for _ in range(3)] == [True] * 3
    parts.ledger.limits_of[dev.key.id] = Limits(1, 1_000, 10**9)
    await parts.wait(1)
    assert [await parts.admits(holder=dev) for _ in range(2)] == [True, False]


async def test_an_account_that_the_ledger_does_not_know_is_undecided() -> None:
    """It is no fault of the caller's, and no request waits for it twice."""
    parts = Parts(_ACCOUNT)
    parts.ledger.limits_of[ACCOUNT.id] = None
    for _ in range(2):
        task = asyncio.create_task(parts.charge(COST))
        await settle()
        assert type(task.exception()).__name__ == "QuotaUnavailableError"
    assert parts.statements == 1
