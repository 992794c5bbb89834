"""From what was used, and what it costs, to invoices. Whole numbers only.

A line's amount is rounded once, half a smallest unit up. What arrives late is billed as the
difference between the month's whole charge and what was billed of it, so that all lines of a month
together are, to the cent, the one line that would have been if all had been known in time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from authz.domain.administration.invoice import Billing, Content, InvoiceKind, Line, LineKind
from authz.domain.administration.month import Month
from authz.domain.administration.price import Price, UsageTerms
from authz.domain.directory import AccountId
from contract.money import Currency


@dataclass(frozen=True, slots=True)
class BilledMonth:
    """A month whose invoice is finished: its terms, what was billed of it, what is known now."""

    month: Month
    terms: UsageTerms
    billed_tokens: int
    used_tokens: int


@dataclass(frozen=True, slots=True)
class AccountMonth:
    """All that an account's invoices of a month are computed from."""

    account_id: AccountId
    account_name: str
    month: Month
    tier: str
    """What it was on at the month's end; now, while the month lasts."""
    was_open: bool
    """Whether it was open at any time of the month."""
    used_tokens: int
    price: Price | None
    """The tier's, for this month."""
    earlier: tuple[BilledMonth, ...]


@dataclass(frozen=True, slots=True)
class Unpriced:
    """There is something to bill, and no price to bill it by."""

    tier: str
    month: Month


def bill(facts: AccountMonth) -> tuple[Content, ...] | Unpriced:
    """Return an account's invoices of a month: none where there is nothing to bill.

    The first is the month's own; one follows for each other currency that late usage is billed in.
    """
    late = [line for each in facts.earlier if (line := _late_line(each)) is not None]
    if not (facts.was_open or facts.used_tokens or late):
        return ()
    if facts.price is None:
        return Unpriced(facts.tier, facts.month)
    currency = facts.price.currency
    ours = [line for line in late if line.amount.currency == currency]
    others = [line for line in late if line.amount.currency != currency]
    return (_invoice(facts, facts.price, ours), *_supplements(facts, others))


def _invoice(facts: AccountMonth, price: Price, late: Sequence[Line]) -> Content:
    base = [_base_line(facts, price)] if facts.was_open else []
    lines = (*base, _usage_line(facts, price), *late)
    billing = Billing(price.tier, price.base_fee, price.terms)
    return _content(InvoiceKind.INVOICE, facts, price.currency, lines, billing)


def _supplements(facts: AccountMonth, late: Sequence[Line]) -> list[Content]:
    by_currency = groupby(sorted(late, key=_currency_code), key=_currency_code)
    return [_supplement(facts, tuple(lines)) for _, lines in by_currency]


def _supplement(facts: AccountMonth, lines: tuple[Line, ...]) -> Content:
    return _content(InvoiceKind.SUPPLEMENT, facts, lines[0].amount.currency, lines, None)


def _content(
    kind: InvoiceKind,
    facts: AccountMonth,
    currency: Currency,
    lines: tuple[Line, ...],
    billing: Billing | None,
) -> Content:
    return Content(
        kind, facts.account_id, facts.account_name, facts.month, currency, lines, billing
    )


def _base_line(facts: AccountMonth, price: Price) -> Line:
    said = f"Base fee of {price.tier}, the tier at the end of {facts.month}; not prorated"
    return Line(LineKind.BASE_FEE, facts.month, 0, 0, price.base_fee, said)


def _usage_line(facts: AccountMonth, price: Price) -> Line:
    terms, used = price.terms, facts.used_tokens
    over = terms.overage_tokens(used)
    said = (
        f"Usage of {facts.month}: {used:,} tokens, {terms.included_tokens:,} included;"
        f" {over:,} at {terms.overage}"
    )
    return Line(LineKind.USAGE, facts.month, used, over, terms.charge(used), said)


def _late_line(billed: BilledMonth) -> Line | None:
    tokens = billed.used_tokens - billed.billed_tokens
    if tokens == 0:
        return None
    terms = billed.terms
    before, now = (
        terms.overage_tokens(each) for each in (billed.billed_tokens, billed.used_tokens)
    )
    happened = "arrived" if tokens > 0 else "was refunded"
    said = (
        f"Usage of {billed.month} that {happened} later: {tokens:,} tokens;"
        f" {now - before:,} above what was included, at {terms.overage}"
    )
    amount = terms.charge(billed.used_tokens) - terms.charge(billed.billed_tokens)
    return Line(LineKind.LATE_USAGE, billed.month, tokens, now - before, amount, said)


def _currency_code(line: Line) -> str:
    return line.amount.currency.code
