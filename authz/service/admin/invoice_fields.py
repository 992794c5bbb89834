"""Reads the fields of requests about prices and invoices."""

from typing import Final

from authz.domain.administration.fields import Fields
from authz.domain.administration.invoice import Invoice, InvoiceNumber, parse_number
from authz.domain.administration.month import BadMonthError, Month
from authz.domain.administration.refusals import NotFoundError
from authz.service.admin.tables import Tables
from contract.money import Currency

_SOME_MONTH: Final = Month(2000, 1)
_SOME_CURRENCY: Final = Currency("XXX", 0)


def read_month(fields: Fields, path: str, value: str) -> Month:
    """Read a month."""
    try:
        return Month.parse(value)
    except BadMonthError as error:
        fields.refuse(path, str(error))
        return _SOME_MONTH


def read_currency(fields: Fields, path: str, value: str) -> Currency:
    """Read a currency's code."""
    found = Currency.find(value)
    if found is None:
        fields.refuse(path, "must be the code of a currency by ISO 4217, like EUR")
    return found or _SOME_CURRENCY


async def find_invoice(tables: Tables, number: str) -> Invoice:
    """Return the finished invoice of this number.

    Raises:
        NotFoundError: there is none.
    """
    parsed = parse_number(number)
    found = None if parsed is None else await tables.invoices.find(InvoiceNumber(parsed))
    if found is None:
        raise NotFoundError("invoice", number, "There is no such invoice.")
    return found
