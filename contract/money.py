"""Sums of money and prices of tokens, exact: each number's unit is in its type."""

import re
from dataclasses import dataclass
from typing import Final, Self

_WITHOUT_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_WITH_TWO: Final = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL
    HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT
    MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB
    SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
    USD UYU UZS VES WST XCD XCG YER ZAR ZMW ZWG
"""
_WITH_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS: Final = {
    code: decimals
    for decimals, codes in ((0, _WITHOUT_DECIMALS), (2, _WITH_TWO), (3, _WITH_THREE))
    for code in codes.split()
}
"""Decimals of the currencies that countries use, by ISO 4217."""

_MICRO: Final = 6
_MILLION: Final = 10**6
_AMOUNT: Final = re.compile(r"(\d{1,15})(?:\.(\d{1,9}))? ([A-Z]{3})", re.ASCII)


class BadMoneyError(ValueError):
    """A text is no amount of money; the message says why, after its name."""


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency by its code in ISO 4217, and how many decimals its sums have."""

    code: str
    decimals: int

    @classmethod
    def find(cls, code: str) -> Self | None:
        """Return the currency of this code."""
        decimals = _DECIMALS.get(code)
        return None if decimals is None else cls(code, decimals)


@dataclass(frozen=True, slots=True)
class Money:
    """A sum in the smallest unit of its currency: cents, or yen."""

    minor_units: int
    currency: Currency

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` writes: `49.00 EUR`, `49 EUR`, `5000 JPY`; never below 0.

        Raises:
            BadMoneyError: it is none, or finer than the currency's smallest unit.
        """
        return cls(*_read(text, None))

    def __add__(self, other: "Money") -> "Money":
        self._check(other)
        return Money(self.minor_units + other.minor_units, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._check(other)
        return Money(self.minor_units - other.minor_units, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor_units, self.currency)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency.code}"

    @property
    def amount(self) -> str:
        """The sum in the currency's major unit, with all of its decimals: `49.00`, `5000`."""
        return _write(self.minor_units, self.currency.decimals, self.currency.decimals)

    def _check(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency.code} and {other.currency.code} make no sum")


@dataclass(frozen=True, slots=True)
class TokenPrice:
    """What a million tokens cost, in millionths of the currency's major unit."""

    micros_per_million_tokens: int
    currency: Currency

    @classmethod
    def parse_per_million(cls, text: str) -> Self:
        """Read what a million tokens cost: `0.02 EUR`, `0.000001 EUR`, `3 JPY`.

        Raises:
            BadMoneyError: it is no amount, or finer than a millionth.
        """
        return cls(*_read(text, _MICRO))

    def of(self, tokens: int) -> Money:
        """Return what so many tokens cost, rounded once: half a smallest unit up."""
        if tokens < 0:
            raise ValueError("fewer than no tokens have no price")
        exact = tokens * self.micros_per_million_tokens * 10**self.currency.decimals
        whole = _MILLION * 10**_MICRO
        return Money((2 * exact + whole) // (2 * whole), self.currency)

    def __str__(self) -> str:
        decimals = self.currency.decimals
        amount = _write(self.micros_per_million_tokens, _MICRO, decimals)
        return f"{amount} {self.currency.code} per million tokens"

    @property
    def amount(self) -> str:
        """What a million tokens cost, in the currency's major unit."""
        return _write(self.micros_per_million_tokens, _MICRO, self.currency.decimals)


def _read(text: str, decimals: int | None) -> tuple[int, Currency]:
    """Return a sum in units of so many decimals, by default the currency's own."""
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise BadMoneyError("must be an amount and a currency, like 49.00 EUR")
    currency = Currency.find(match[3])
    if currency is None:
        raise BadMoneyError(f"names {match[3]}, which is no currency of ISO 4217")
    kept = currency.decimals if decimals is None else decimals
    fraction = match[2] or ""
    if len(fraction) > kept:
        raise BadMoneyError(f"has more decimals than the {kept} that {currency.code} has here")
    return int(match[1] + fraction.ljust(kept, "0")), currency


def _write(units: int, decimals: int, decimals_min: int) -> str:
    """Return a whole number of units as a decimal, without zeros that say nothing."""
    digits = str(abs(units)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    shown = fraction.rstrip("0").ljust(decimals_min, "0")
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{shown}" if shown else f"{sign}{whole}"
