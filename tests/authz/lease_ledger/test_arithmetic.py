"""The ledger in SQL does what the ledger in Python does, to the last grain."""

from dataclasses import replace
from random import Random
from typing import Final

import asyncpg
import pytest

from authz.domain.quota import ledger as ledgers
from authz.domain.quota.bucket import Bucket
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.ledger import Ledger
from authz.domain.quota.quota import Quota, fresh
from tests.authz.lease_ledger.stored import StoredLedger, make_account
from tests.authz.lease_ledger.walk import Walk

_RULES: Final = LeaseRules()
_ASKS: Final = 600
_SUM_MAX: Final = 9 * 10**18
"""Where sums in SQL stop."""


@pytest.mark.parametrize("seed", range(5))
async def test_sql_and_python_keep_the_same_ledger(
    connection: asyncpg.Connection, seed: int
) -> None:
    """After every ask: the answer, what is spent and reserved, and every lease."""
    walk = Walk(Random(seed))  # noqa: S311 it is to be the same again
    stored = StoredLedger(connection, await make_account(connection, walk.limits))
    expected = Ledger(fresh(walk.limits, walk.now))
    for _ in range(_ASKS):
        ask = walk.ask(expected)
        expected, answer = ledgers.answer(expected, ask, walk.limits, _RULES, walk.now)
        expected = replace(expected, quota=_stop(expected.quota))
        answer = replace(answer, quota=expected.quota)
        assert await stored.answer(ask, _RULES, walk.now) == answer
        assert await stored.leases() == expected.leases
        walk.pass_time(expected)
        if walk.change_limits():
            await stored.set_limits(walk.limits)


def _stop(quota: Quota) -> Quota:
    month = replace(quota.month, spent=min(_SUM_MAX, quota.month.spent))
    return Quota(_stop_bucket(quota.requests), _stop_bucket(quota.tokens), month)


def _stop_bucket(bucket: Bucket) -> Bucket:
    return replace(bucket, spent=min(_SUM_MAX, bucket.spent))
