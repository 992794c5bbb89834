"""What drafts are computed from: who was on which tier, what was used, what was billed of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from authz.domain.administration.billing import Billed, Tenure
from authz.domain.administration.canary import CANARY_ACCOUNT
from authz.domain.administration.month import Month
from authz.domain.administration.price import UsageTerms
from authz.domain.directory import AccountId
from authz.storage.admin.connection import Connection
from authz.storage.admin.money_columns import parse_currency, parse_month, write_month
from contract.money import Money, TokenPrice


class BillingRows:
    """What is known of accounts' months, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def time(self) -> datetime:
        """Return the database's time."""
        at: datetime = await self._connection.fetchval(_SELECT_TIME)
        return at

    async def list_unfinished(
        self, month: Month, after: str | None, limit: int
    ) -> Sequence[AccountId]:
        """Return accounts whose invoice of a month is not finished, by name; not the canary's."""
        rows = await self._connection.fetch(
            _LIST_UNFINISHED, after, month.end, write_month(month), CANARY_ACCOUNT, limit
        )
        return [AccountId(row["id"]) for row in rows]

    async def read_tenures(
        self, account_ids: Sequence[AccountId], month: Month
    ) -> Sequence[Tenure]:
        """Return accounts in a month, by name; without those that were made after it."""
        rows = await self._connection.fetch(_SELECT_TENURES, account_ids, month.start, month.end)
        return [
            Tenure(AccountId(row["id"]), row["name"], row["tier"], row["was_open"]) for row in rows
        ]

    async def read_usage(
        self, account_ids: Sequence[AccountId], first: Month, last: Month
    ) -> Mapping[tuple[AccountId, Month], int]:
        """Return the tokens that accounts used in each of these months, refunds taken off."""
        rows = await self._connection.fetch(_SUM_USAGE, account_ids, first.start, last.end)
        return {
            (AccountId(row["account_id"]), parse_month(row["month"])): row["tokens"] for row in rows
        }

    async def read_billed(
        self, account_ids: Sequence[AccountId], first: Month, last: Month
    ) -> Sequence[Billed]:
        """Return what was billed of these months to accounts, in order."""
        months = (write_month(first), write_month(last))
        rows = await self._connection.fetch(_SELECT_BILLED, account_ids, *months)
        return [_parse_billed(row) for row in rows]

    async def find_totals(
        self, account_ids: Sequence[AccountId], month: Month
    ) -> Mapping[AccountId, Money]:
        """Return the totals of a month's finished invoices, without corrections."""
        rows = await self._connection.fetch(_SELECT_TOTALS, account_ids, write_month(month))
        return {AccountId(row["account_id"]): _parse_total(row) for row in rows}


_SELECT_TIME: Final = "SELECT clock_timestamp()"

_LIST_UNFINISHED: Final = """
    SELECT id
      FROM accounts
     WHERE ($1::text IS NULL OR name > $1)
       AND name <> $4
       AND EXISTS (SELECT FROM account_tiers WHERE account_id = accounts.id AND since < $2)
       AND NOT EXISTS (
               SELECT FROM invoices
                WHERE account_id = accounts.id AND month = $3 AND kind = 'invoice'
           )
     ORDER BY name
     LIMIT $5
"""

# Who was open when the month began has a last entry up to that moment that says so.
_SELECT_TENURES: Final = """
    SELECT accounts.id, accounts.name, at_end.tier,
           NOT coalesce(at_start.closed, true) OR EXISTS (
               SELECT FROM account_tiers
                WHERE account_id = accounts.id AND NOT closed AND since >= $2 AND since < $3
           ) AS was_open
      FROM accounts
      JOIN LATERAL (
               SELECT tier FROM account_tiers
                WHERE account_id = accounts.id AND since < $3
                ORDER BY since DESC LIMIT 1
           ) AS at_end ON true
      LEFT JOIN LATERAL (
               SELECT closed FROM account_tiers
                WHERE account_id = accounts.id AND since <= $2
                ORDER BY since DESC LIMIT 1
           ) AS at_start ON true
     WHERE accounts.id = ANY ($1)
     ORDER BY accounts.name
"""

_SUM_USAGE: Final = """
    SELECT account_id, date_trunc('month', hour AT TIME ZONE 'UTC')::date AS month,
           sum(tokens - refunded_tokens)::bigint AS tokens
      FROM usage_hours
     WHERE account_id = ANY ($1) AND hour >= $2 AND hour < $3
     GROUP BY 1, 2
"""

# Only of months with an invoice: of any other, nothing is late yet.
_SELECT_BILLED: Final = """
    SELECT whole.account_id, whole.month, whole.currency, whole.included_tokens,
           whole.overage_micros_per_million_tokens, billed.tokens
      FROM invoices AS whole
     CROSS JOIN LATERAL (
               SELECT sum(invoice_lines.tokens)::bigint AS tokens
                 FROM invoices JOIN invoice_lines USING (number)
                WHERE invoices.account_id = whole.account_id
                  AND invoice_lines.usage_month = whole.month
           ) AS billed
     WHERE whole.account_id = ANY ($1) AND whole.month BETWEEN $2 AND $3
       AND whole.kind = 'invoice'
     ORDER BY whole.account_id, whole.month
"""

_SELECT_TOTALS: Final = """
    SELECT account_id, currency, total_minor_units
      FROM invoices
     WHERE account_id = ANY ($1) AND month = $2 AND kind = 'invoice'
"""


def _parse_billed(row: asyncpg.Record) -> Billed:
    overage = TokenPrice(row["overage_micros_per_million_tokens"], parse_currency(row["currency"]))
    return Billed(
        account_id=AccountId(row["account_id"]),
        month=parse_month(row["month"]),
        terms=UsageTerms(row["included_tokens"], overage),
        tokens=row["tokens"],
    )


def _parse_total(row: asyncpg.Record) -> Money:
    return Money(row["total_minor_units"], parse_currency(row["currency"]))
