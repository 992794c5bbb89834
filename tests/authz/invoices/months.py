"""Months, prices and facts to compute invoices from."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from authz.domain.administration.invoice_arithmetic import AccountMonth, BilledMonth
from authz.domain.administration.month import Month
from authz.domain.administration.price import Price, UsageTerms
from authz.domain.directory import AccountId
from contract.money import Money, TokenPrice

ACCOUNT: Final = AccountId(UUID(int=7))
JANUARY: Final = Month(2026, 1)


def price(
    base_fee: str = "49.00 EUR", included: int = 1_000_000, per_million: str = "0.50 EUR"
) -> Price:
    """Return what the tier `standard` costs from January on."""
    terms = UsageTerms(included, TokenPrice.parse_per_million(per_million))
    set_at = datetime(2025, 12, 1, tzinfo=UTC)
    return Price("standard", JANUARY, Money.parse(base_fee), terms, set_at)


def facts(
    *,
    used: int = 0,
    costs: Price | None = None,
    was_open: bool = True,
    month: Month = JANUARY,
    earlier: tuple[BilledMonth, ...] = (),
) -> AccountMonth:
    """Return an account's month."""
    return AccountMonth(ACCOUNT, "acme", month, "standard", was_open, used, costs, earlier)
