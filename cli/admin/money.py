"""Money as it is typed and shown: in major units, with its currency."""

from decimal import Decimal

import typer

from contract.money import BadMoneyError, Currency, Money, TokenPrice


def parse_money(text: str) -> Money:
    """Read `49.00 EUR`."""
    try:
        return Money.parse(text)
    except BadMoneyError as error:
        raise typer.BadParameter(f"{error}.") from None


def parse_price_per_million(text: str) -> TokenPrice:
    """Read what a million tokens cost: `0.02 EUR`."""
    try:
        return TokenPrice.parse_per_million(text)
    except BadMoneyError as error:
        raise typer.BadParameter(f"{error}.") from None


def show_amount(minor_units: int, code: str) -> str:
    """Return a sum in major units: `49.00`, `5000`."""
    currency = Currency.find(code)
    # Of a newer server: its unit is not known here, so it is not guessed.
    return f"{minor_units} minor units" if currency is None else Money(minor_units, currency).amount


def show_money(minor_units: int, code: str) -> str:
    """Return a sum with its currency: `49.00 EUR`."""
    return f"{show_amount(minor_units, code)} {code}"


def show_price_per_million(micros: int, code: str) -> str:
    """Return what a million tokens cost: `0.02 EUR`."""
    return f"{amount_per_million(micros, code)} {code}"


def amount_per_million(micros: int, code: str) -> str:
    """Return what a million tokens cost, in major units: `0.02`."""
    return TokenPrice(micros, Currency.find(code) or Currency(code, 0)).amount


def to_cell(amount: str) -> Decimal | str:
    """Return an amount as a number for a spreadsheet, which could take a text for a formula."""
    return Decimal(amount) if amount.lstrip("-").replace(".", "", 1).isdecimal() else amount
