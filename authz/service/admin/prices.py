"""Prices: set from a month on, and never changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import AuditEntry, Made, SubjectKind
from authz.domain.administration.fields import Fields
from authz.domain.administration.invoice_audit import describe_price
from authz.domain.administration.month import Month
from authz.domain.administration.price import Price, UsageTerms
from authz.domain.administration.refusals import NotFoundError, PreconditionError
from authz.service.admin.invoice_fields import read_currency, read_month
from authz.service.admin.ports import Database
from authz.service.admin.tables import Tables
from contract.money import Currency, Money, TokenPrice

_FEE_MAX: Final = 10**11
_OVERAGE_MAX: Final = 10**10
_TOKENS_MAX: Final = 10**15


@dataclass(frozen=True, slots=True)
class NewPrice:
    """A price as it was sent; each number's unit is in its name."""

    tier: str
    valid_from: str
    currency: str
    base_fee_minor_units: int
    included_tokens: int
    overage_micros_per_million_tokens: int


class Prices:
    """What tiers cost. Methods raise `RefusedError` and `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self, tier: str) -> tuple[Price, ...]:
        """Return the prices of a tier, or of all where it is empty; each tier's newest first."""
        async with self._database.snapshot() as tables:
            if tier:
                await _check_tier(tables, tier)
            return tuple(await tables.prices.list(tier))

    async def set(self, change: ChangeRequest, new: NewPrice) -> Price:
        """Set what a tier costs from a month on, which must be later than all that is settled."""
        valid_from, currency = _read(new)

        async def work(tables: Tables, at: datetime) -> Made[Price]:
            await _check_tier(tables, new.tier)
            before = await _find_newest(tables, new.tier)
            await _check_month(tables, new.tier, valid_from, before)
            price = _make(new, valid_from, currency, at)
            await tables.prices.insert(price)
            described = None if before is None else describe_price(before)
            subject = f"{new.tier} {valid_from}"
            return Made(SubjectKind.PRICE, subject, described, describe_price(price), price)

        return await self._database.change(change, work, _replay)


def _read(new: NewPrice) -> tuple[Month, Currency]:
    fields = Fields()
    limits = (
        ("base_fee_minor_units", new.base_fee_minor_units, _FEE_MAX),
        ("included_tokens", new.included_tokens, _TOKENS_MAX),
        ("overage_micros_per_million_tokens", new.overage_micros_per_million_tokens, _OVERAGE_MAX),
    )
    for name, value, maximum in limits:
        if not 0 <= value <= maximum:
            fields.refuse(f"price.{name}", f"must be 0 to {maximum}")
    month = read_month(fields, "price.valid_from", new.valid_from)
    currency = read_currency(fields, "price.currency", new.currency)
    fields.check()
    return month, currency


async def _check_tier(tables: Tables, tier: str) -> None:
    found = await tables.tiers.find(tier) if tier.isprintable() else None
    if found is None:
        raise NotFoundError("tier", tier, "There is no such tier.")


async def _check_month(tables: Tables, tier: str, valid_from: Month, before: Price | None) -> None:
    if before is not None and valid_from <= before.valid_from:
        raise PreconditionError(
            "tier",
            tier,
            f"Its price from {before.valid_from} on stays as it is: choose a later month.",
        )
    billed = await tables.invoices.newest_month(tier)
    if billed is not None and valid_from <= billed:
        raise PreconditionError(
            "tier", tier, f"{billed} was billed by this tier already: choose a later month."
        )


async def _find_newest(tables: Tables, tier: str) -> Price | None:
    prices = await tables.prices.list(tier)
    return prices[0] if prices else None


def _make(new: NewPrice, valid_from: Month, currency: Currency, at: datetime) -> Price:
    overage = TokenPrice(new.overage_micros_per_million_tokens, currency)
    base_fee = Money(new.base_fee_minor_units, currency)
    terms = UsageTerms(new.included_tokens, overage)
    return Price(new.tier, valid_from, base_fee, terms, at)


async def _replay(tables: Tables, entry: AuditEntry) -> Price:
    tier, _, valid_from = entry.subject.rpartition(" ")
    price = await tables.prices.find(tier, Month.parse(valid_from))
    if price is None:
        raise NotFoundError("tier", tier, "The price that was set is gone.")
    return price
