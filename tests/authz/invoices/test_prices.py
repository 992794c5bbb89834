"""Prices: set, listed, never changed."""

import json
from dataclasses import replace
from typing import Final

import pytest

from authz.domain.administration.price import UsageTerms
from authz.domain.administration.records import PageRequest
from authz.domain.administration.refusals import (
    InvalidFieldsError,
    NotFoundError,
    PreconditionError,
)
from authz.service.admin.prices import NewPrice
from contract.money import Money, TokenPrice
from tests.administration import ask
from tests.authz.invoices.books import MONTH, Books

_NEW: Final = NewPrice("standard", str(MONTH), "EUR", 4900, 1_000_000, 500_000)


async def test_a_price_is_kept_as_it_was_set(books: Books) -> None:
    """Each number in its unit."""
    price = await books.prices.set(ask(), _NEW)
    assert (price.base_fee, price.valid_from) == (Money.parse("49.00 EUR"), MONTH)
    assert price.terms == UsageTerms(1_000_000, TokenPrice.parse_per_million("0.50 EUR"))
    assert await books.prices.list("standard") == (price,)


async def test_prices_are_listed_by_tier_the_newest_first(books: Books) -> None:
    """Of one tier, or of all; a tier that there is not is told."""
    for tier, month in (("standard", MONTH), ("standard", MONTH.plus(1)), ("scale", MONTH)):
        await books.prices.set(ask(), replace(_NEW, tier=tier, valid_from=str(month)))
    listed = [(each.tier, each.valid_from) for each in await books.prices.list("")]
    assert listed == [("scale", MONTH), ("standard", MONTH.plus(1)), ("standard", MONTH)]
    assert len(await books.prices.list("scale")) == 1
    assert await books.prices.list("trial") == ()
    with pytest.raises(NotFoundError):
        await books.prices.list("gold\0")


@pytest.mark.parametrize("month", [MONTH, MONTH.plus(-1)])
async def test_a_price_is_followed_only_from_a_later_month(books: Books, month: object) -> None:
    """What was promised for a month stays."""
    await books.prices.set(ask(), _NEW)
    with pytest.raises(PreconditionError, match=f"from {MONTH} on stays as it is"):
        await books.prices.set(ask(), replace(_NEW, valid_from=str(month)))


async def test_a_month_that_was_billed_gets_no_other_price(books: Books) -> None:
    """Neither do the months before it; other tiers' do."""
    await books.open_account()
    await books.set_price("standard", valid_from=MONTH.plus(-1))
    await books.finalize(month=MONTH.plus(1))
    with pytest.raises(PreconditionError, match=f"{MONTH.plus(1)} was billed by this tier already"):
        await books.prices.set(ask(), replace(_NEW, valid_from=str(MONTH.plus(1))))
    await books.prices.set(ask(), replace(_NEW, valid_from=str(MONTH.plus(2))))
    await books.prices.set(ask(), replace(_NEW, tier="scale"))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("valid_from", "2026-13"),
        ("currency", "XXX"),
        ("base_fee_minor_units", -1),
        ("base_fee_minor_units", 10**11 + 1),
        ("included_tokens", -1),
        ("overage_micros_per_million_tokens", -1),
        ("overage_micros_per_million_tokens", 10**10 + 1),
    ],
)
async def test_a_price_that_makes_no_sense_is_refused(
    books: Books, field: str, value: object
) -> None:
    """By the field that is wrong."""
    with pytest.raises(InvalidFieldsError) as caught:
        await books.prices.set(ask(), replace(_NEW, **{field: value}))  # type: ignore[arg-type] # one field
    assert [each.field for each in caught.value.violations] == [f"price.{field}"]


async def test_a_tier_that_there_is_not_has_no_price(books: Books) -> None:
    """Whatever is sent for its name."""
    for tier in ("gold", "a\0b"):
        with pytest.raises(NotFoundError):
            await books.prices.set(ask(), replace(_NEW, tier=tier))


async def test_a_request_that_is_sent_again_sets_nothing_again(books: Books) -> None:
    """It is answered with the price that it set."""
    change = ask()
    first = await books.prices.set(change, _NEW)
    await books.prices.set(ask(), replace(_NEW, valid_from=str(MONTH.plus(1))))
    assert await books.prices.set(change, _NEW) == first
    assert len(await books.prices.list("standard")) == 2


async def test_the_audit_tells_the_price_before_and_after(books: Books) -> None:
    """Under the tier and the month."""
    await books.prices.set(ask(), _NEW)
    await books.prices.set(ask(), replace(_NEW, valid_from=str(MONTH.plus(1)), currency="JPY"))
    subject = f"standard {MONTH.plus(1)}"
    [entry] = (await books.audit.list(PageRequest(10), subject)).items
    before, after = (json.loads(text or "") for text in (entry.before, entry.after))
    assert (entry.subject_kind, before["currency"], after["currency"]) == ("price", "EUR", "JPY")
    assert after["base_fee_minor_units"] == 4900
