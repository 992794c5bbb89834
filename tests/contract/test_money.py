"""Sums of money and prices of tokens."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.money import BadMoneyError, Currency, Money, TokenPrice


def _currency(code: str) -> Currency:
    found = Currency.find(code)
    assert found is not None
    return found


EUR, JPY, KWD = map(_currency, ("EUR", "JPY", "KWD"))
_CURRENCIES = st.sampled_from((EUR, JPY, KWD))


@pytest.mark.parametrize(
    ("text", "minor_units"),
    [("49.00 EUR", 4900), ("49 EUR", 4900), ("0.5 EUR", 50), ("49 JPY", 49), ("1.005 KWD", 1005)],
)
def test_a_sum_is_read_in_its_currencys_major_unit(text: str, minor_units: int) -> None:
    """Yen have no smaller unit, and dinars a thousand."""
    assert Money.parse(text).minor_units == minor_units


@pytest.mark.parametrize(
    "text",
    [
        *("49", "49.00", "EUR", "49.00EUR", "49,00 EUR", "1,000.00 EUR", "€49.00", "4.9e1 EUR"),
        *("-49.00 EUR", "+1 EUR", "49. EUR", ".5 EUR", "49.00 eur", " 49 EUR", "٤٩ EUR", ""),
        *("49.001 EUR", "49.0 JPY", "1.0005 KWD", "49.00 XXX", "49.00 EUX", "9" * 16 + " EUR"),
    ],
)
def test_what_could_mean_another_sum_is_refused(text: str) -> None:
    """Without a currency, or finer than it can be paid, no number means anything."""
    with pytest.raises(BadMoneyError):
        Money.parse(text)


@given(st.integers(0, 10**14), _CURRENCIES)
def test_a_sum_is_read_as_it_was_written(minor_units: int, currency: Currency) -> None:
    """With all decimals of its currency, whatever the sum."""
    money = Money(minor_units, currency)
    assert Money.parse(str(money)) == money
    assert len(money.amount.partition(".")[2]) == currency.decimals


def test_a_credit_has_its_sign_before_it() -> None:
    """Also where it is less than one major unit."""
    assert str(-Money(5, EUR)) == "-0.05 EUR"
    assert str(-Money(5, JPY)) == "-5 JPY"


@given(st.integers(0, 10**10), _CURRENCIES)
def test_a_price_of_tokens_is_read_as_it_was_written(micros: int, currency: Currency) -> None:
    """To the millionth of a major unit."""
    price = TokenPrice(micros, currency)
    assert TokenPrice.parse_per_million(f"{price.amount} {currency.code}") == price


def test_a_price_of_tokens_says_its_unit() -> None:
    """With the currency's decimals at least."""
    assert str(TokenPrice.parse_per_million("0.02 EUR")) == "0.02 EUR per million tokens"
    assert str(TokenPrice.parse_per_million("0.000125 EUR")) == "0.000125 EUR per million tokens"
    assert str(TokenPrice.parse_per_million("3 JPY")) == "3 JPY per million tokens"


@given(st.integers(0, 10**15), st.integers(0, 10**10), _CURRENCIES)
def test_tokens_cost_the_exact_price_rounded_once_half_up(
    tokens: int, micros: int, currency: Currency
) -> None:
    """Compared with fractions, which round nothing."""
    exact = Fraction(tokens, 10**6) * Fraction(micros, 10**6) * 10**currency.decimals
    cost = TokenPrice(micros, currency).of(tokens)
    assert cost == Money(floor(exact + Fraction(1, 2)), currency)


@pytest.mark.parametrize(("tokens", "cents"), [(249_999, 0), (250_000, 1), (749_999, 1)])
def test_half_a_cent_is_a_cent(tokens: int, cents: int) -> None:
    """And less is none."""
    assert TokenPrice.parse_per_million("0.02 EUR").of(tokens) == Money(cents, EUR)


def test_money_of_two_currencies_makes_no_sum() -> None:
    """Neither does a sum and a price, whose unit is another."""
    with pytest.raises(ValueError, match="EUR and JPY make no sum"):
        Money(1, EUR) + Money(1, JPY)
    with pytest.raises(ValueError, match="EUR and JPY make no sum"):
        Money(1, EUR) - Money(1, JPY)


def test_fewer_than_no_tokens_have_no_price() -> None:
    """What was refunded is a difference of two charges."""
    with pytest.raises(ValueError, match="no price"):
        TokenPrice(1, EUR).of(-1)


def test_only_money_that_a_country_uses_is_known() -> None:
    """Neither gold, nor a test code, nor a currency of the past."""
    assert [Currency.find(code) for code in ("XAU", "XTS", "DEM", "eur", "")] == [None] * 5
