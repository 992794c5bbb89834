"""The ledger in its tables, asked as if it were any time, and read back whole."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Final
from uuid import uuid4

import asyncpg

from authz.domain.quota.amounts import Amounts
from authz.domain.quota.lease_messages import Answer, Ask, BudgetId, HolderId, LeaseId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.ledger import Lease
from authz.domain.quota.quota import Limits
from authz.storage.lease_rows import parse_answer, to_columns

_ANSWER_AT: Final = """
    SELECT outcome, requests, tokens, extended, (quota).*
      FROM answer_ask(ROW($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 1
                         )::lease_ask, $16, $17, $18)
"""

_READ_LEASES: Final = """
    SELECT leases.*, ends_at BETWEEN leases_from AND leases_until AS is_within
      FROM leases JOIN quotas USING (budget) WHERE budget = $1
"""

_INSERT_TIER: Final = """
    INSERT INTO tiers (name, requests_per_minute, tokens_per_minute, tokens_per_month, items_max,
                       endpoints, models)
         VALUES ($1, $2, $3, $4, 1, '{}', '{}')
"""

_INSERT_ACCOUNT: Final = "INSERT INTO accounts (id, name, tier) VALUES ($1, $2, $3)"

_SET_LIMITS: Final = """
    UPDATE tiers SET requests_per_minute = $2, tokens_per_minute = $3, tokens_per_month = $4
     WHERE name = (SELECT tier FROM accounts WHERE id = $1)
"""


async def make_account(connection: asyncpg.Connection, limits: Limits) -> BudgetId:
    """Store an account on a tier of its own."""
    account_id = uuid4()
    tier = f"t{account_id.hex[:30]}"
    await connection.execute(_INSERT_TIER, tier, *astuple(limits))
    await connection.execute(_INSERT_ACCOUNT, account_id, tier, tier)
    return BudgetId(account_id)


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """One budget's."""

    connection: asyncpg.Connection
    budget: BudgetId

    async def answer(self, ask: Ask, rules: LeaseRules, now: int | None = None) -> Answer | None:
        """Answer as if it were `now`, or by the clock."""
        columns = [column[0] for column in to_columns([(self.budget, ask)])]
        lasts = rules.life + rules.grace
        row = await self.connection.fetchrow(_ANSWER_AT, *columns, lasts, rules.room_divisor, now)
        assert row is not None
        return parse_answer(ask, row)

    async def leases(self) -> Mapping[LeaseId, Lease]:
        """Return all leases; each ends when its budget's row says that they do."""
        rows = await self.connection.fetch(_READ_LEASES, self.budget)
        assert all(row["is_within"] for row in rows)
        return {LeaseId(HolderId(row["holder"]), row["number"]): _lease(row) for row in rows}

    async def set_limits(self, limits: Limits) -> None:
        """Change the tier."""
        await self.connection.execute(_SET_LIMITS, self.budget, *astuple(limits))


def _lease(row: asyncpg.Record) -> Lease:
    opened = Amounts(row["open_requests"], row["open_tokens"])
    spent = Amounts(row["spent_requests"], row["spent_tokens"])
    released = Amounts(row["released_requests"], row["released_tokens"])
    return Lease(opened + spent + released, spent, released, row["ends_at"])
