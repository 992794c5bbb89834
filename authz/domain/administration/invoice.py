"""Invoices: what an account is billed for a month. One that has a number never changes."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

from authz.domain.administration.month import Month
from authz.domain.administration.price import UsageTerms
from authz.domain.directory import AccountId
from contract.money import Currency, Money

InvoiceNumber = NewType("InvoiceNumber", str)

_NUMBER: Final = re.compile(r"T-(\d{4})-(\d{6,9})", re.ASCII)


class InvoiceKind(StrEnum):
    """What a document is."""

    INVOICE = "invoice"
    """A month's base fee and usage, and in its currency what arrived late for earlier months."""
    SUPPLEMENT = "supplement"
    """Beside an invoice: what arrived late for a month that was billed in another currency."""
    CORRECTION = "correction"
    """A credit or a charge that corrects an invoice or a supplement."""


class LineKind(StrEnum):
    """What a line is for."""

    BASE_FEE = "base_fee"
    USAGE = "usage"
    LATE_USAGE = "late_usage"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Line:
    """One amount, and what it is for.

    `tokens` of `usage_month` are billed by this line, `overage_tokens` of them above what is
    included. Both are below 0 where what was billed was refunded later.
    """

    kind: LineKind
    usage_month: Month
    tokens: int
    overage_tokens: int
    amount: Money
    description: str


@dataclass(frozen=True, slots=True)
class Billing:
    """The tier and the terms that a month was billed by."""

    tier: str
    base_fee: Money
    terms: UsageTerms


@dataclass(frozen=True, slots=True)
class Content:
    """All that an invoice says. An `INVOICE` alone has `billing`, a `CORRECTION` alone the rest."""

    kind: InvoiceKind
    account_id: AccountId
    account_name: str
    """As it was when the invoice was finished."""
    month: Month
    currency: Currency
    lines: tuple[Line, ...]
    billing: Billing | None = None
    corrects: InvoiceNumber | None = None
    reason: str | None = None

    @property
    def total(self) -> Money:
        """The sum of its lines; below 0 where more is credited than charged."""
        return sum((line.amount for line in self.lines), Money(0, self.currency))


@dataclass(frozen=True, slots=True)
class Invoice:
    """A finished invoice."""

    number: InvoiceNumber
    content: Content
    finalized_at: datetime
    finalized_by: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be finished for an account's month if it were done now; often one invoice."""

    account_id: AccountId
    account_name: str
    month: Month
    contents: tuple[Content, ...]
    hindrance: str | None = None
    """Why it cannot be finished now."""
    warning: str | None = None
    """What somebody should look at before it is finished."""


def write_number(year: int, sequence: int) -> InvoiceNumber:
    """Return the number of a year's n-th document."""
    return InvoiceNumber(f"T-{year:04}-{sequence:06}")


def parse_number(text: str) -> InvoiceNumber | None:
    """Return the number that a text is."""
    return InvoiceNumber(text) if _NUMBER.fullmatch(text) else None


def split_number(number: InvoiceNumber) -> tuple[int, int]:
    """Return the year, and the how many-th of it."""
    _, year, sequence = number.split("-")
    return int(year), int(sequence)
