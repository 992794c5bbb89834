"""Drafts, computed from what the database holds."""

from datetime import UTC, datetime, timedelta

import pytest

from authz.domain.administration.canary import CANARY_ACCOUNT
from authz.domain.administration.month import Month
from authz.domain.administration.records import PageRequest
from authz.domain.administration.refusals import (
    InvalidFieldsError,
    NotFoundError,
    PreconditionError,
)
from tests.authz.invoices.books import MONTH, Books

_HOUR = timedelta(hours=1)
_MILLION = 10**6


async def test_a_month_is_from_its_first_hour_in_utc_to_the_next_months(books: Books) -> None:
    """Neither the hour before nor the one after belongs to it."""
    account = await books.open_account()
    await books.set_price(included=0, per_million="1.00 EUR", base_fee="0 EUR")
    await books.use(account, 1 * _MILLION, MONTH.start)
    await books.use(account, 2 * _MILLION, MONTH.end - _HOUR)
    await books.use(account, 4 * _MILLION, MONTH.start - _HOUR)
    await books.use(account, 8 * _MILLION, MONTH.end)
    assert await books.total() == "3.00 EUR"
    assert await books.total(month=MONTH.plus(-1)) == "4.00 EUR"
    assert await books.total(month=MONTH.plus(1)) == "8.00 EUR"


async def test_what_was_refunded_is_not_billed(books: Books) -> None:
    """Usage is what was charged without it."""
    account = await books.open_account()
    await books.set_price(included=0, per_million="1.00 EUR", base_fee="0 EUR")
    await books.use(account, 5 * _MILLION, refunded=2 * _MILLION)
    assert await books.total() == "3.00 EUR"


async def test_a_draft_is_computed_anew_at_each_look(books: Books) -> None:
    """Usage may still arrive."""
    account = await books.open_account()
    await books.set_price(included=0, per_million="1.00 EUR", base_fee="0 EUR")
    assert await books.total() == "0.00 EUR"
    await books.use(account, _MILLION)
    assert await books.total() == "1.00 EUR"


async def test_a_month_is_billed_by_the_tier_at_its_end(books: Books) -> None:
    """A change at the first moment of the next month is of that month."""
    account = await books.open_account()
    await books.set_price("standard", "49.00 EUR")
    await books.set_price("scale", "490.00 EUR")
    await books.note(account, MONTH.end - _HOUR, "scale")
    await books.note(account, MONTH.end, "standard")
    assert await books.total(month=MONTH.plus(-1)) == "49.00 EUR"
    assert await books.total() == "490.00 EUR"
    assert await books.total(month=MONTH.plus(1)) == "49.00 EUR"


async def test_the_price_of_a_month_is_the_newest_that_is_valid_in_it(books: Books) -> None:
    """From its first month on."""
    await books.open_account()
    await books.set_price(base_fee="49.00 EUR", valid_from=MONTH.plus(-1))
    await books.set_price(base_fee="59.00 EUR", valid_from=MONTH.plus(1))
    assert await books.total() == "49.00 EUR"
    assert await books.total(month=MONTH.plus(1)) == "59.00 EUR"
    assert await books.total(month=MONTH.plus(2)) == "59.00 EUR"


async def test_an_account_that_was_made_in_the_month_pays_all_of_it(books: Books) -> None:
    """And nothing for the month before."""
    await books.open_account(since=MONTH.end - _HOUR)
    await books.set_price()
    assert await books.total() == "49.00 EUR"
    with pytest.raises(PreconditionError, match="nothing to pay"):
        await books.invoices.preview("acme", str(MONTH.plus(-1)))


@pytest.mark.parametrize("at", [MONTH.start + timedelta(microseconds=1), MONTH.end - _HOUR])
async def test_an_account_that_was_closed_in_the_month_pays_all_of_it(
    books: Books, at: datetime
) -> None:
    """And nothing for the month after."""
    account = await books.open_account()
    await books.set_price()
    await books.note(account, at, closed=True)
    assert await books.total() == "49.00 EUR"
    with pytest.raises(PreconditionError, match="nothing to pay"):
        await books.invoices.preview("acme", str(MONTH.plus(1)))


async def test_an_account_that_was_closed_as_the_month_began_pays_nothing(books: Books) -> None:
    """Unless something was used."""
    account = await books.open_account()
    await books.set_price(per_million="1.00 EUR")
    await books.note(account, MONTH.start, closed=True)
    with pytest.raises(PreconditionError, match="nothing to pay"):
        await books.invoices.preview("acme", str(MONTH))
    await books.use(account, 3 * _MILLION)
    assert await books.total() == "2.00 EUR"


async def test_without_a_price_the_tier_is_named(books: Books) -> None:
    """It hinders that account, and no other."""
    await books.open_account("acme", "trial")
    await books.open_account("initech", "standard")
    await books.set_price("standard")
    page = await books.invoices.list_drafts(str(MONTH), PageRequest(10))
    said = f"There is no price for tier trial in {MONTH}."
    assert [(each.account_name, each.hindrance) for each in page.items] == [
        ("acme", said),
        ("initech", None),
    ]


async def test_each_account_pays_in_the_currency_of_its_tier(books: Books) -> None:
    """One kind of money beside the other."""
    await books.open_account("acme", "standard")
    await books.open_account("initech", "scale")
    await books.set_price("standard", "49.00 EUR")
    await books.set_price("scale", "5000 JPY", per_million="3 JPY")
    assert await books.total("acme") == "49.00 EUR"
    assert await books.total("initech") == "5000 JPY"


async def test_over_three_times_the_month_before_is_flagged(books: Books) -> None:
    """Whether that month is finished or a draft."""
    account = await books.open_account()
    await books.set_price(included=0, per_million="1.00 EUR", base_fee="1.00 EUR")
    await books.use(account, 3 * _MILLION)
    draft = await books.invoices.preview("acme", str(MONTH))
    said = "More than 3 times the month before: 4.00 EUR after 1.00 EUR."
    assert draft.warning == said
    await books.finalize(month=MONTH.plus(-1))
    [listed] = (await books.invoices.list_drafts(str(MONTH), PageRequest(10))).items
    assert listed == draft


async def test_a_month_that_lasts_is_a_draft_so_far(books: Books) -> None:
    """It says from when on it can be finished; one that has not begun is refused."""
    await books.open_account()
    await books.set_price()
    now = Month.of(datetime.now(UTC))
    draft = await books.invoices.preview("acme", str(now))
    assert draft.contents
    assert f"{now.end + timedelta(days=2):%Y-%m-%d} 00:00 UTC" in (draft.hindrance or "")
    with pytest.raises(InvalidFieldsError, match="month: has not begun"):
        await books.invoices.preview("acme", str(now.plus(1)))


async def test_a_month_that_is_not_named_is_the_last_that_is_over(books: Books) -> None:
    """For that is what is looked at after its end."""
    await books.open_account()
    await books.set_price()
    last = Month.of(datetime.now(UTC)).plus(-1)
    assert (await books.invoices.preview("acme", "")).month == last
    [listed] = (await books.invoices.list_drafts("", PageRequest(10))).items
    assert listed.month == last


async def test_what_arrives_late_is_the_accounts_own(books: Books) -> None:
    """Also where the drafts of many are computed together."""
    accounts = [await books.open_account(name) for name in ("acme", "initech")]
    await books.set_price(included=0, per_million="1.00 EUR")
    for name in ("acme", "initech"):
        await books.finalize(name)
    await books.use(accounts[1], 2 * _MILLION)
    page = await books.invoices.list_drafts(str(MONTH.plus(1)), PageRequest(10))
    totals = {draft.account_name: str(draft.contents[0].total) for draft in page.items}
    assert totals == {"acme": "49.00 EUR", "initech": "51.00 EUR"}


async def test_drafts_are_listed_page_by_page(books: Books) -> None:
    """By name; without our own account, and without those that have nothing to pay."""
    for name in ("a", "b", "c", "d", CANARY_ACCOUNT):
        await books.open_account(name)
    await books.open_account("bb", status="closed")
    await books.open_account("later", since=MONTH.end)
    await books.set_price()
    names, token = [], None
    while True:
        page = await books.invoices.list_drafts(str(MONTH), PageRequest(2, token))
        names += [draft.account_name for draft in page.items]
        token = page.next_token
        if token is None:
            break
    assert names == ["a", "b", "c", "d"]


async def test_who_is_not_there_has_no_draft(books: Books) -> None:
    """Our own account is nobody's customer."""
    await books.open_account(CANARY_ACCOUNT)
    for name in ("nobody", CANARY_ACCOUNT):
        with pytest.raises(NotFoundError):
            await books.invoices.preview(name, str(MONTH))
