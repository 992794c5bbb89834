"""Finds what somebody should look at before an invoice is finished."""

from typing import Final

from contract.money import Money

_FACTOR: Final = 3


def compare(total: Money, before: Money | None) -> str | None:
    """Return a warning where a month costs far more than the one before, or another currency.

    A price in a wrong unit looks like this, too.
    """
    if before is None:
        return None
    if total.currency != before.currency:
        return f"In another currency than the month before: {total} after {before}."
    if before.minor_units > 0 and total.minor_units > _FACTOR * before.minor_units:
        return f"More than {_FACTOR} times the month before: {total} after {before}."
    return None
