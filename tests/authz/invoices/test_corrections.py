"""Credits and charges, by documents of their own."""

import asyncio

import pytest

from authz.domain.administration.invoice import Invoice, InvoiceKind
from authz.domain.administration.refusals import (
    InvalidFieldsError,
    NotFoundError,
    PreconditionError,
)
from tests.administration import ask
from tests.authz.invoices.books import MONTH, Books


@pytest.fixture
async def invoice(books: Books) -> Invoice:
    """An invoice over 49.00 EUR."""
    await books.open_account()
    await books.set_price()
    return await books.finalize()


async def _correct(books: Books, number: str, cents: int, currency: str = "EUR") -> Invoice:
    return await books.corrections.correct(ask(), number, currency, cents, "outage of 4 October")


async def test_a_correction_is_a_document_that_refers_to_the_first(
    books: Books, invoice: Invoice
) -> None:
    """With a number, a reason and an actor of its own; the first stays as it is."""
    credit = await _correct(books, invoice.number, -1250)
    charge = await _correct(books, invoice.number, 50)
    content = credit.content
    assert (content.kind, content.corrects) == (InvoiceKind.CORRECTION, invoice.number)
    assert (str(content.total), content.reason) == ("-12.50 EUR", "outage of 4 October")
    assert content.lines[0].description == f"Credit to {invoice.number}: outage of 4 October"
    assert charge.content.lines[0].description.startswith(f"Charge to {invoice.number}")
    assert await books.numbers() == [invoice.number, credit.number, charge.number]
    assert await books.invoices.get(invoice.number) == (invoice, (credit, charge))


async def test_no_more_is_credited_than_was_charged(books: Books, invoice: Invoice) -> None:
    """By all corrections together, and by two at once."""
    await _correct(books, invoice.number, -900)
    both = await asyncio.gather(
        *(_correct(books, invoice.number, -4000) for _ in range(2)), return_exceptions=True
    )
    [refusal] = [each for each in both if isinstance(each, PreconditionError)]
    assert str(refusal) == f"Of {invoice.number} no more than 0.00 EUR is left to be credited."
    assert len(await books.numbers()) == 3


async def test_a_correction_moves_no_tokens(books: Books, invoice: Invoice) -> None:
    """What arrives late is billed as if there were none."""
    await _correct(books, invoice.number, -4900)
    assert await books.total(month=MONTH.plus(1)) == "49.00 EUR"


async def test_another_currency_is_refused(books: Books, invoice: Invoice) -> None:
    """A correction has no rate of exchange."""
    with pytest.raises(InvalidFieldsError, match=f"must be EUR, which {invoice.number} is in"):
        await _correct(books, invoice.number, -100, "USD")


async def test_a_correction_is_not_corrected(books: Books, invoice: Invoice) -> None:
    """But the invoice that it corrects, again."""
    credit = await _correct(books, invoice.number, -100)
    with pytest.raises(PreconditionError, match=f"correct {invoice.number}"):
        await _correct(books, credit.number, 100)


@pytest.mark.parametrize("number", ["", "T-2026-000009", "acme", "T-2026-1", "T-2026-000001\0"])
async def test_what_is_no_invoice_is_not_corrected(
    books: Books, invoice: Invoice, number: str
) -> None:
    """Whatever is sent for a number."""
    with pytest.raises(NotFoundError):
        await _correct(books, number, -100)


async def test_a_correction_needs_an_amount_and_a_reason(books: Books, invoice: Invoice) -> None:
    """The reason stands on the document."""
    for cents, reason, field in ((0, "why", "amount_minor_units"), (-1, " ", "reason")):
        with pytest.raises(InvalidFieldsError, match=field):
            await books.corrections.correct(ask(), invoice.number, "EUR", cents, reason)


async def test_a_request_that_is_sent_again_corrects_nothing_again(
    books: Books, invoice: Invoice
) -> None:
    """It is answered with the correction that it made."""
    change = ask()
    first, again = [
        await books.corrections.correct(change, invoice.number, "EUR", -100, "why")
        for _ in range(2)
    ]
    assert first == again
    assert len(await books.numbers()) == 2
