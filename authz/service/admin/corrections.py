"""Corrects finished invoices, each time by a document of its own."""

from datetime import datetime
from typing import Final

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import Made
from authz.domain.administration.fields import Fields
from authz.domain.administration.invoice import Content, Invoice, InvoiceKind, Line, LineKind
from authz.domain.administration.refusals import (
    FieldViolation,
    InvalidFieldsError,
    PreconditionError,
)
from authz.service.admin.finish_invoices import finish, tell_finished
from authz.service.admin.invoice_fields import find_invoice, read_currency
from authz.service.admin.ports import Database
from authz.service.admin.tables import Tables
from contract.money import Money

_REASON_MAX: Final = 500
_AMOUNT_MAX: Final = 10**12


class Corrections:
    """Credits and charges. Methods raise `RefusedError` and `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def correct(
        self, change: ChangeRequest, number: str, currency: str, minor_units: int, reason: str
    ) -> Invoice:
        """Credit, where the amount is below 0, or charge besides, what an invoice got wrong.

        It moves money and no tokens. The currency has to be the invoice's own.
        """
        amount, note = _read(currency, minor_units, reason)

        async def work(tables: Tables, at: datetime) -> Made[tuple[Invoice, ...]]:
            invoice = await find_invoice(tables, number)
            await _check(tables, invoice, amount)
            return await finish(tables, [_make_content(invoice, amount, note)], change, at)

        [correction] = await self._database.change(change, work, tell_finished)
        return correction


def _read(currency: str, minor_units: int, reason: str) -> tuple[Money, str]:
    fields = Fields()
    amount = Money(minor_units, read_currency(fields, "currency", currency))
    if not 0 < abs(minor_units) <= _AMOUNT_MAX:
        fields.refuse("amount_minor_units", f"must be 1 to {_AMOUNT_MAX}, or so much below 0")
    note = fields.note("reason", reason, _REASON_MAX)
    if not note.isprintable() or not note:
        fields.refuse("reason", "is required, and must be printable")
    fields.check()
    return amount, note


async def _check(tables: Tables, invoice: Invoice, amount: Money) -> None:
    """Refuse a correction of a correction, another currency, and more credit than was charged."""
    content = invoice.content
    if content.kind is InvoiceKind.CORRECTION:
        said = f"It is a correction itself: correct {content.corrects}."
        raise PreconditionError("invoice", invoice.number, said)
    if amount.currency != content.currency:
        said = f"must be {content.currency.code}, which {invoice.number} is in"
        raise InvalidFieldsError(FieldViolation("currency", said))
    left = content.total
    for correction in await tables.invoices.list_corrections(invoice.number):
        left += correction.content.total
    if amount.minor_units < 0 and (left + amount).minor_units < 0:
        said = f"Of {invoice.number} no more than {left} is left to be credited."
        raise PreconditionError("invoice", invoice.number, said)


def _make_content(invoice: Invoice, amount: Money, reason: str) -> Content:
    content, number = invoice.content, invoice.number
    said = f"{'Credit' if amount.minor_units < 0 else 'Charge'} to {number}: {reason}"
    return Content(
        kind=InvoiceKind.CORRECTION,
        account_id=content.account_id,
        account_name=content.account_name,
        month=content.month,
        currency=content.currency,
        lines=(Line(LineKind.CORRECTION, content.month, 0, 0, amount, said),),
        corrects=number,
        reason=reason,
    )
