"""Prices and invoices as the audit tells of them: in full, so that its chain proves them too."""

from collections.abc import Sequence

from authz.domain.administration.canonical import Fact
from authz.domain.administration.invoice import Invoice, Line
from authz.domain.administration.price import Price


def describe_price(price: Price) -> dict[str, Fact]:
    """Return all of a price."""
    return {
        "tier": price.tier,
        "valid_from": str(price.valid_from),
        "currency": price.currency.code,
        "base_fee_minor_units": price.base_fee.minor_units,
        "included_tokens": price.terms.included_tokens,
        "overage_micros_per_million_tokens": price.terms.overage.micros_per_million_tokens,
    }


def describe_invoices(invoices: Sequence[Invoice]) -> dict[str, Fact]:
    """Return all that invoices say that were finished together."""
    content = invoices[0].content
    return {
        "account_id": str(content.account_id),
        "account_name": content.account_name,
        "month": str(content.month),
        "totals": [f"{each.number}: {each.content.total}" for each in invoices],
        "lines": [
            f"{each.number}: {_describe_line(line)}"
            for each in invoices
            for line in each.content.lines
        ],
        "corrects": content.corrects,
        "reason": content.reason,
    }


def _describe_line(line: Line) -> str:
    return f"{line.kind}, {line.tokens} tokens of {line.usage_month}, {line.amount}"
