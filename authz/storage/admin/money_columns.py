"""Months and currencies as columns hold them."""

from datetime import date

from authz.domain.administration.month import Month
from contract.money import Currency


def write_month(month: Month) -> date:
    """Return a month's first day."""
    return date(month.year, month.number, 1)


def parse_month(day: date) -> Month:
    """Return the month that begins on a day."""
    return Month(day.year, day.month)


def parse_currency(code: str) -> Currency:
    """Return the currency of a code. Raises `ValueError` where it was never one of ours."""
    found = Currency.find(code)
    if found is None:
        raise ValueError(f"{code} is stored, and no currency that is known here")
    return found
