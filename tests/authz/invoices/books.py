"""Accounts, prices and usage of past months, and the services that bill them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from authz.domain.administration.invoice import Invoice
from authz.domain.administration.month import Month
from authz.domain.directory import AccountId
from authz.domain.pepper import Peppers
from authz.service.admin.audit import Audit
from authz.service.admin.corrections import Corrections
from authz.service.admin.invoices import Invoices
from authz.service.admin.invoicing import Invoicing
from authz.service.admin.prices import NewPrice, Prices
from authz.storage.admin.database import Database
from authz.storage.admin.head_file import HeadFile
from authz.storage.admin.pool import open_pool
from contract.money import Money, TokenPrice
from tests.administration import ask

MONTH: Final = Month.of(datetime.now(UTC)).plus(-4)
"""The month that is billed here: it has settled, and so have the ones after it."""
_EARLIER: Final = MONTH.plus(-6)
SETTLING: Final = timedelta(days=2)
_PEPPERS: Final = Peppers.parse("5e" * 32)

_INSERT_ACCOUNT: Final = """
    INSERT INTO accounts (id, name, tier, status, created_at) VALUES ($1, $2, $3, $4, $5)
"""

_MAKE_PARTITION: Final = """
    DO $$ BEGIN
        CREATE TABLE usage_hours_{name} PARTITION OF usage_hours
            FOR VALUES FROM ('{month.start}') TO ('{month.end}');
    EXCEPTION WHEN duplicate_table OR invalid_object_definition THEN NULL;
    END $$
"""

_USE: Final = """
    INSERT INTO usage_hours AS known (hour, account_id, key_id, model, requests, tokens, failures,
                                      refunded_requests, refunded_tokens)
         VALUES ($1, $2, $3, 'model', 1, $4, 0, 0, $5)
    ON CONFLICT (account_id, hour, key_id, model) DO UPDATE
            SET tokens = known.tokens + excluded.tokens,
                refunded_tokens = known.refunded_tokens + excluded.refunded_tokens
"""


@dataclass(frozen=True, slots=True)
class Books:
    """One admin process's services, and a connection of the schema's owner."""

    connection: asyncpg.Connection
    pool: asyncpg.Pool
    prices: Prices
    invoices: Invoices
    invoicing: Invoicing
    corrections: Corrections
    audit: Audit

    async def open_account(
        self,
        name: str = "acme",
        tier: str = "standard",
        since: datetime = _EARLIER.start,
        status: str = "active",
    ) -> AccountId:
        """Make an account of the past."""
        account_id = AccountId(uuid4())
        await self.connection.execute(_INSERT_ACCOUNT, account_id, name, tier, status, since)
        return account_id

    async def note(
        self,
        account_id: AccountId,
        since: datetime,
        tier: str = "standard",
        *,
        closed: bool = False,
    ) -> None:
        """Write down what became of an account at a time of the past."""
        row = "INSERT INTO account_tiers (account_id, since, tier, closed) VALUES ($1, $2, $3, $4)"
        await self.connection.execute(row, account_id, since, tier, closed)

    async def use(
        self, account_id: AccountId, tokens: int, at: datetime = MONTH.start, refunded: int = 0
    ) -> None:
        """Count tokens of an hour, as the merge of journals does."""
        month = Month.of(at)
        name = str(month).replace("-", "_")
        await self.connection.execute(_MAKE_PARTITION.format(name=name, month=month))
        await self.connection.execute(_USE, at, account_id, UUID(int=1), tokens, refunded)

    async def set_price(
        self,
        tier: str = "standard",
        base_fee: str = "49.00 EUR",
        included: int = 1_000_000,
        per_million: str = "0.50 EUR",
        valid_from: Month = _EARLIER,
    ) -> None:
        """Set what a tier costs."""
        fee, overage = Money.parse(base_fee), TokenPrice.parse_per_million(per_million)
        new = NewPrice(
            tier,
            str(valid_from),
            fee.currency.code,
            fee.minor_units,
            included,
            overage.micros_per_million_tokens,
        )
        await self.prices.set(ask(), new)

    async def total(self, account: str = "acme", month: Month = MONTH) -> str:
        """Return the total of a draft that is one invoice."""
        [content] = (await self.invoices.preview(account, str(month))).contents
        return str(content.total)

    async def finalize(self, account: str = "acme", month: Month = MONTH) -> Invoice:
        """Finish a draft that is one invoice."""
        [invoice] = await self.invoicing.finalize(ask(), account, str(month), accept_warning=False)
        return invoice

    async def numbers(self) -> list[str]:
        """Return the numbers of all finished documents, in order."""
        rows = await self.connection.fetch("SELECT number FROM invoices ORDER BY year, sequence")
        return [row["number"] for row in rows]


@asynccontextmanager
async def keep_books(
    url: str, connection: asyncpg.Connection, head_file: Path
) -> AsyncIterator[Books]:
    """Put the services together; every step is small."""
    async with open_pool(url) as pool:
        database = Database(pool, lambda: _PEPPERS, HeadFile(head_file))
        yield Books(
            connection,
            pool,
            Prices(database),
            Invoices(database, SETTLING),
            Invoicing(database, SETTLING, step=3),
            Corrections(database),
            Audit(database, lambda: _PEPPERS),
        )
