"""The tables `invoices` and `invoice_lines`."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from authz.domain.administration.invoice import Invoice, InvoiceNumber, write_number
from authz.domain.administration.month import Month
from authz.domain.directory import AccountId
from authz.storage.admin.connection import Connection
from authz.storage.admin.invoice_columns import parse_invoice, write_invoice, write_line
from authz.storage.admin.money_columns import parse_month, write_month


class InvoiceRows:
    """Finished invoices, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, number: InvoiceNumber) -> Invoice | None:
        """Return the invoice of this number."""
        found = await self._read([number])
        return found[0] if found else None

    async def list(
        self,
        *,
        account_id: AccountId | None,
        month: Month | None,
        before: tuple[int, int] | None,
        limit: int,
    ) -> Sequence[Invoice]:
        """Return invoices, the newest first, from the one before a year's n-th on."""
        day = None if month is None else write_month(month)
        year, sequence = before or (None, None)
        return await self._select(_LIST, account_id, day, year, sequence, limit)

    async def list_corrections(self, number: InvoiceNumber) -> Sequence[Invoice]:
        """Return what corrects an invoice, the oldest first."""
        return await self._select(_LIST_CORRECTIONS, number)

    async def list_made_by(self, request_id: UUID) -> Sequence[Invoice]:
        """Return what a request finished, in order."""
        return await self._select(_LIST_MADE_BY, request_id)

    async def find_month(self, account_id: AccountId, month: Month) -> InvoiceNumber | None:
        """Return the number of an account's invoice of a month, where it is finished."""
        day = write_month(month)
        found: str | None = await self._connection.fetchval(_SELECT_OF_MONTH, account_id, day)
        return None if found is None else InvoiceNumber(found)

    async def newest_month(self, tier: str) -> Month | None:
        """Return the newest month that was billed by a tier."""
        found = await self._connection.fetchval(_SELECT_NEWEST_MONTH, tier)
        return None if found is None else parse_month(found)

    async def next_number(self, year: int) -> InvoiceNumber:
        """Return the number that the next document of a year has."""
        last: int = await self._connection.fetchval(_SELECT_LAST_SEQUENCE, year)
        return write_number(year, last + 1)

    async def insert(self, invoice: Invoice, request_id: UUID) -> None:
        """Store a finished invoice with its lines, all of it in one transaction."""
        await self._connection.execute(_INSERT, *write_invoice(invoice, request_id))
        lines = enumerate(invoice.content.lines, start=1)
        await self._connection.executemany(
            _INSERT_LINE, [write_line(invoice.number, *each) for each in lines]
        )

    async def _select(self, numbers: str, *arguments: object) -> Sequence[Invoice]:
        """Return the invoices whose numbers a statement selects, in its order."""
        rows = await self._connection.fetch(numbers, *arguments)
        return await self._read([row["number"] for row in rows])

    async def _read(self, numbers: Sequence[str]) -> Sequence[Invoice]:
        lines: dict[str, list[asyncpg.Record]] = {}
        for line in await self._connection.fetch(_SELECT_LINES, numbers):
            lines.setdefault(line["number"], []).append(line)
        rows = await self._connection.fetch(_SELECT, numbers)
        return [parse_invoice(row, lines[row["number"]]) for row in rows]


# Of a filter that is left out, nothing is asked.
_LIST: Final = """
    SELECT number
      FROM invoices
     WHERE ($1::uuid IS NULL OR account_id = $1)
       AND ($2::date IS NULL OR month = $2)
       AND ($3::integer IS NULL OR (year, sequence) < ($3, $4::integer))
     ORDER BY year DESC, sequence DESC
     LIMIT $5
"""

_LIST_CORRECTIONS: Final = """
    SELECT number FROM invoices WHERE corrects = $1 ORDER BY year, sequence
"""

_LIST_MADE_BY: Final = """
    SELECT number FROM invoices WHERE request_id = $1 ORDER BY year, sequence
"""

_SELECT_OF_MONTH: Final = """
    SELECT number FROM invoices WHERE account_id = $1 AND month = $2 AND kind = 'invoice'
"""

_SELECT_NEWEST_MONTH: Final = "SELECT max(month) FROM invoices WHERE tier = $1"

_SELECT_LAST_SEQUENCE: Final = "SELECT coalesce(max(sequence), 0) FROM invoices WHERE year = $1"

_SELECT: Final = """
    SELECT number, kind, account_id, account_name, month, currency, tier, base_fee_minor_units,
           included_tokens, overage_micros_per_million_tokens, corrects, reason, finalized_at,
           finalized_by
      FROM unnest($1::text[]) WITH ORDINALITY AS wanted (number, position)
      JOIN invoices USING (number)
     ORDER BY wanted.position
"""

_SELECT_LINES: Final = """
    SELECT number, kind, usage_month, tokens, overage_tokens, amount_minor_units, description
      FROM invoice_lines
     WHERE number = ANY ($1)
     ORDER BY number, position
"""

_INSERT: Final = """
    INSERT INTO invoices (number, year, sequence, kind, account_id, account_name, month, currency,
                          total_minor_units, lines, tier, base_fee_minor_units, included_tokens,
                          overage_micros_per_million_tokens, corrects, reason, request_id,
                          finalized_at, finalized_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                 $19)
"""

_INSERT_LINE: Final = """
    INSERT INTO invoice_lines (number, position, kind, usage_month, tokens, overage_tokens,
                               amount_minor_units, description)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
