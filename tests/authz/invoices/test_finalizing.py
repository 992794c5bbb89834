"""Finishing an account's draft."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from authz.domain.administration.invoice import InvoiceKind
from authz.domain.administration.invoice_draft import explain_unsettled
from authz.domain.administration.month import Month
from authz.domain.administration.records import PageRequest
from authz.domain.administration.refusals import (
    InvalidFieldsError,
    PreconditionError,
    RequestIdReusedError,
)
from tests.administration import ACTOR, ask
from tests.authz.invoices.books import MONTH, SETTLING, Books

_MILLION = 10**6


def _first_numbers(count: int) -> list[str]:
    year = datetime.now(UTC).year
    return [f"T-{year}-{number:06}" for number in range(1, count + 1)]


async def test_a_finished_invoice_is_what_its_draft_was(books: Books) -> None:
    """With a number, a time, and who finished it."""
    account = await books.open_account()
    await books.set_price()
    await books.use(account, 3 * _MILLION)
    [content] = (await books.invoices.preview("acme", str(MONTH))).contents
    invoice = await books.finalize()
    assert [invoice.number] == _first_numbers(1)
    assert (invoice.content, invoice.finalized_by) == (content, ACTOR.name)
    assert await books.invoices.get(invoice.number) == (invoice, ())
    with pytest.raises(PreconditionError, match=f"is finished: it is {invoice.number}"):
        await books.invoices.preview("acme", str(MONTH))


async def test_a_finished_invoice_stays_whatever_happens_to_what_it_was_computed_from(
    books: Books,
) -> None:
    """Usage, a name, a tier and a price that change are of later months."""
    account = await books.open_account()
    await books.set_price()
    invoice = await books.finalize()
    await books.use(account, 9 * _MILLION)
    await books.set_price(base_fee="99.00 EUR", valid_from=MONTH.plus(1))
    rename = "UPDATE accounts SET name = 'renamed', tier = 'scale' WHERE id = $1"
    await books.connection.execute(rename, account)
    assert await books.invoices.get(invoice.number) == (invoice, ())


def test_a_month_settles_for_a_while_after_its_end() -> None:
    """To the microsecond."""
    settled = MONTH.end + SETTLING
    assert explain_unsettled(MONTH, settled, SETTLING) is None
    said = explain_unsettled(MONTH, settled - timedelta(microseconds=1), SETTLING)
    assert said is not None
    assert f"from {settled:%Y-%m-%d} 00:00 UTC on" in said


async def test_a_month_that_has_not_settled_is_not_finished(books: Books) -> None:
    """By the database's clock: nobody can say that it is later."""
    await books.open_account()
    await books.set_price()
    now = Month.of(datetime.now(UTC))
    with pytest.raises(PreconditionError, match="can be finished from"):
        await books.finalize(month=now)
    with pytest.raises(PreconditionError, match="can be finished from"):
        await anext(books.invoicing.finalize_month(ask(), str(now)))
    with pytest.raises(InvalidFieldsError, match="month: has not begun"):
        await books.finalize(month=now.plus(1))
    assert await books.numbers() == []


async def test_a_draft_without_a_price_is_not_finished(books: Books) -> None:
    """The tier is named."""
    await books.open_account(tier="trial")
    with pytest.raises(PreconditionError, match=f"no price for tier trial in {MONTH}"):
        await books.finalize()


async def test_a_draft_with_a_warning_is_finished_only_when_that_is_accepted(
    books: Books,
) -> None:
    """So a price in a wrong unit reaches no customer unseen."""
    account = await books.open_account()
    await books.set_price(base_fee="1.00 EUR", included=0)
    await books.use(account, 100 * _MILLION)
    with pytest.raises(PreconditionError, match="More than 3 times the month before"):
        await books.finalize()
    [invoice] = await books.invoicing.finalize(ask(), "acme", str(MONTH), accept_warning=True)
    assert str(invoice.content.total) == "51.00 EUR"


async def test_usage_that_arrives_after_the_invoice_is_on_the_next_one(books: Books) -> None:
    """Once: the one after it has no such line, and what is refunded later is credited."""
    account = await books.open_account()
    await books.set_price(included=0)
    await books.use(account, 2 * _MILLION)
    await books.finalize()
    await books.use(account, 6 * _MILLION, MONTH.end - timedelta(hours=1))
    second = await books.finalize(month=MONTH.plus(1))
    assert [(line.usage_month, str(line.amount)) for line in second.content.lines] == [
        (MONTH.plus(1), "49.00 EUR"),
        (MONTH.plus(1), "0.00 EUR"),
        (MONTH, "3.00 EUR"),
    ]
    await books.use(account, 0, refunded=2 * _MILLION)
    third = await books.finalize(month=MONTH.plus(2))
    assert [str(line.amount) for line in third.content.lines[2:]] == ["-1.00 EUR"]
    assert await books.total(month=MONTH.plus(3)) == "49.00 EUR"


async def test_late_usage_is_billed_by_the_terms_of_its_month(books: Books) -> None:
    """In its currency, on a document of its own where that is another."""
    account = await books.open_account()
    await books.set_price(included=0, per_million="1.00 EUR")
    await books.finalize()
    await books.set_price(
        "scale", "5000 JPY", included=0, per_million="3 JPY", valid_from=MONTH.plus(1)
    )
    await books.note(account, MONTH.end, "scale")
    await books.use(account, _MILLION)
    finished = await books.invoicing.finalize(
        ask(), "acme", str(MONTH.plus(1)), accept_warning=True
    )
    assert [(each.content.kind, str(each.content.total)) for each in finished] == [
        (InvoiceKind.INVOICE, "5000 JPY"),
        (InvoiceKind.SUPPLEMENT, "1.00 EUR"),
    ]
    assert await books.numbers() == _first_numbers(3)
    assert await books.total(month=MONTH.plus(2)) == "5000 JPY"


async def test_a_closed_account_is_billed_for_what_arrives_late(books: Books) -> None:
    """On the invoice of a month in which it was not open."""
    account = await books.open_account()
    await books.set_price(included=0)
    await books.finalize()
    await books.note(account, MONTH.end, closed=True)
    await books.use(account, 2 * _MILLION)
    assert str((await books.finalize(month=MONTH.plus(1))).content.total) == "1.00 EUR"
    with pytest.raises(PreconditionError, match="nothing to pay"):
        await books.finalize(month=MONTH.plus(2))


async def test_of_two_at_once_one_finishes_the_month(books: Books, other_books: Books) -> None:
    """The other is told its number."""
    await books.open_account()
    await books.set_price()
    both = await asyncio.gather(
        *(each.finalize() for each in (books, other_books)), return_exceptions=True
    )
    [refusal] = [each for each in both if isinstance(each, PreconditionError)]
    assert [refusal.name] == _first_numbers(1) == await books.numbers()


async def test_a_request_that_is_sent_again_finishes_nothing_again(books: Books) -> None:
    """It is answered with what it finished; another request may not have its id."""
    await books.open_account()
    await books.set_price()
    change = ask()
    first = await books.invoicing.finalize(change, "acme", str(MONTH), accept_warning=False)
    again = await books.invoicing.finalize(change, "acme", str(MONTH), accept_warning=False)
    assert first == again
    assert await books.numbers() == _first_numbers(1)
    other = ask(id=change.id, content="other")
    with pytest.raises(RequestIdReusedError):
        await books.invoicing.finalize(other, "acme", str(MONTH), accept_warning=False)


async def test_numbers_have_no_gap_whoever_finishes_at_once(
    books: Books, other_books: Books
) -> None:
    """Of two processes, and with refusals in between."""
    names = [f"account {number}" for number in range(8)]
    for name in names:
        await books.open_account(name)
    await books.open_account("unpriced", "trial")
    await books.set_price()
    many = [
        keeper.finalize(name, month)
        for name in (*names, "unpriced")
        for keeper, month in ((books, MONTH), (other_books, MONTH.plus(1)))
    ]
    done = await asyncio.gather(*many, return_exceptions=True)
    assert sum(isinstance(each, PreconditionError) for each in done) == 2
    assert await books.numbers() == _first_numbers(16)


async def test_the_audit_tells_all_that_an_invoice_says(books: Books) -> None:
    """So its chain proves the invoice, too."""
    await books.open_account()
    await books.set_price()
    invoice = await books.finalize()
    entries = (await books.audit.list(PageRequest(10), invoice.number)).items
    [(kind, after)] = [(entry.subject_kind, json.loads(entry.after or "")) for entry in entries]
    assert (kind, after["totals"]) == ("invoice", [f"{invoice.number}: 49.00 EUR"])
    assert after["lines"] == [
        f"{invoice.number}: base_fee, 0 tokens of {MONTH}, 49.00 EUR",
        f"{invoice.number}: usage, 0 tokens of {MONTH}, 0.00 EUR",
    ]
    *_, last = [progress async for progress in books.audit.verify()]
    assert (last.done, last.fault) == (True, None)


async def test_finished_invoices_are_listed_the_newest_first(books: Books) -> None:
    """Page by page; of one account, of one month, or all."""
    for name in ("acme", "initech"):
        await books.open_account(name)
    await books.set_price()
    for name, month in (("acme", MONTH), ("initech", MONTH), ("acme", MONTH.plus(1))):
        await books.finalize(name, month)
    first = await books.invoices.list("", "", PageRequest(2))
    rest = await books.invoices.list("", "", PageRequest(2, first.next_token))
    listed = [each.number for each in (*first.items, *rest.items)]
    assert listed == _first_numbers(3)[::-1]
    assert rest.next_token is None
    of_acme = (await books.invoices.list("acme", "", PageRequest(10))).items
    assert [each.content.month for each in of_acme] == [MONTH.plus(1), MONTH]
    of_month = (await books.invoices.list("", str(MONTH), PageRequest(10))).items
    assert [each.content.account_name for each in of_month] == ["initech", "acme"]
