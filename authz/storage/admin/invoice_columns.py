"""Invoices as columns hold them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from authz.domain.administration.invoice import (
    Billing,
    Content,
    Invoice,
    InvoiceKind,
    InvoiceNumber,
    Line,
    LineKind,
    split_number,
)
from authz.domain.administration.price import UsageTerms
from authz.domain.directory import AccountId
from authz.storage.admin.money_columns import parse_currency, parse_month, write_month
from contract.money import Currency, Money, TokenPrice


def write_invoice(invoice: Invoice, request_id: UUID) -> tuple[object, ...]:
    """Return the values of an invoice's row, in the order of its columns."""
    content = invoice.content
    return (
        invoice.number,
        *split_number(invoice.number),
        content.kind,
        content.account_id,
        content.account_name,
        write_month(content.month),
        content.currency.code,
        content.total.minor_units,
        len(content.lines),
        *_write_billing(content.billing),
        content.corrects,
        content.reason,
        request_id,
        invoice.finalized_at,
        invoice.finalized_by,
    )


def write_line(number: InvoiceNumber, position: int, line: Line) -> tuple[object, ...]:
    """Return the values of a line's row, in the order of its columns."""
    return (
        number,
        position,
        line.kind,
        write_month(line.usage_month),
        line.tokens,
        line.overage_tokens,
        line.amount.minor_units,
        line.description,
    )


def parse_invoice(row: asyncpg.Record, lines: Sequence[asyncpg.Record]) -> Invoice:
    """Return the invoice of a row and its lines' rows."""
    currency = parse_currency(row["currency"])
    finalized_at: datetime = row["finalized_at"]
    content = Content(
        kind=InvoiceKind(row["kind"]),
        account_id=AccountId(row["account_id"]),
        account_name=row["account_name"],
        month=parse_month(row["month"]),
        currency=currency,
        lines=tuple(_parse_line(line, currency) for line in lines),
        billing=_parse_billing(row, currency),
        corrects=row["corrects"],
        reason=row["reason"],
    )
    return Invoice(row["number"], content, finalized_at, row["finalized_by"])


def _write_billing(billing: Billing | None) -> tuple[object, ...]:
    if billing is None:
        return (None, None, None, None)
    return (
        billing.tier,
        billing.base_fee.minor_units,
        billing.terms.included_tokens,
        billing.terms.overage.micros_per_million_tokens,
    )


def _parse_billing(row: asyncpg.Record, currency: Currency) -> Billing | None:
    if row["tier"] is None:
        return None
    overage = TokenPrice(row["overage_micros_per_million_tokens"], currency)
    return Billing(
        tier=row["tier"],
        base_fee=Money(row["base_fee_minor_units"], currency),
        terms=UsageTerms(row["included_tokens"], overage),
    )


def _parse_line(row: asyncpg.Record, currency: Currency) -> Line:
    return Line(
        kind=LineKind(row["kind"]),
        usage_month=parse_month(row["usage_month"]),
        tokens=row["tokens"],
        overage_tokens=row["overage_tokens"],
        amount=Money(row["amount_minor_units"], currency),
        description=row["description"],
    )
