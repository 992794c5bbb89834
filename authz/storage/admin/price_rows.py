"""The table `prices`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import asyncpg

from authz.domain.administration.month import Month
from authz.domain.administration.price import Price, UsageTerms
from authz.storage.admin.connection import Connection
from authz.storage.admin.money_columns import parse_currency, parse_month, write_month
from contract.money import Money, TokenPrice


class PriceRows:
    """Prices, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, tier: str, valid_from: Month) -> Price | None:
        """Return the price that was set for a tier from exactly this month on."""
        row = await self._connection.fetchrow(_SELECT, tier, write_month(valid_from))
        return None if row is None else _parse(row)

    async def list(self, tier: str) -> Sequence[Price]:
        """Return the prices of a tier, or of all where it is empty; each tier's newest first."""
        return [_parse(row) for row in await self._connection.fetch(_LIST, tier)]

    async def in_force(self, month: Month) -> Mapping[str, Price]:
        """Return what each tier costs in a month; one without a price is left out."""
        rows = await self._connection.fetch(_SELECT_IN_FORCE, write_month(month))
        return {row["tier"]: _parse(row) for row in rows}

    async def insert(self, price: Price) -> None:
        """Store a new price."""
        await self._connection.execute(
            _INSERT,
            price.tier,
            write_month(price.valid_from),
            price.currency.code,
            price.base_fee.minor_units,
            price.terms.included_tokens,
            price.terms.overage.micros_per_million_tokens,
            price.set_at,
        )


_SELECT: Final = """
    SELECT tier, valid_from, currency, base_fee_minor_units, included_tokens,
           overage_micros_per_million_tokens, set_at
      FROM prices WHERE tier = $1 AND valid_from = $2
"""

_LIST: Final = """
    SELECT tier, valid_from, currency, base_fee_minor_units, included_tokens,
           overage_micros_per_million_tokens, set_at
      FROM prices
     WHERE $1 = '' OR tier = $1
     ORDER BY tier, valid_from DESC
"""

_SELECT_IN_FORCE: Final = """
    SELECT DISTINCT ON (tier)
           tier, valid_from, currency, base_fee_minor_units, included_tokens,
           overage_micros_per_million_tokens, set_at
      FROM prices
     WHERE valid_from <= $1
     ORDER BY tier, valid_from DESC
"""

_INSERT: Final = """
    INSERT INTO prices (tier, valid_from, currency, base_fee_minor_units, included_tokens,
                        overage_micros_per_million_tokens, set_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
"""


def _parse(row: asyncpg.Record) -> Price:
    currency = parse_currency(row["currency"])
    overage = TokenPrice(row["overage_micros_per_million_tokens"], currency)
    set_at: datetime = row["set_at"]
    return Price(
        tier=row["tier"],
        valid_from=parse_month(row["valid_from"]),
        base_fee=Money(row["base_fee_minor_units"], currency),
        terms=UsageTerms(row["included_tokens"], overage),
        set_at=set_at,
    )
