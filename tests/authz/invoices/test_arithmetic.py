"""From usage and prices to invoices."""

from authz.domain.administration.invoice import Content, InvoiceKind, LineKind
from authz.domain.administration.invoice_arithmetic import AccountMonth, BilledMonth, Unpriced, bill
from authz.domain.administration.invoice_warning import compare
from contract.money import Money
from tests.authz.invoices.months import JANUARY, facts, price


def _bill(months: AccountMonth) -> tuple[Content, ...]:
    contents = bill(months)
    assert not isinstance(contents, Unpriced)
    return contents


def _amounts(content: Content) -> list[tuple[str, str]]:
    return [(line.kind, str(line.amount)) for line in content.lines]


def test_a_month_costs_its_base_fee_and_what_is_above_the_included_tokens() -> None:
    """Each a line that says what was multiplied."""
    [invoice] = _bill(facts(used=3_000_000, costs=price()))
    assert _amounts(invoice) == [("base_fee", "49.00 EUR"), ("usage", "1.00 EUR")]
    assert str(invoice.total) == "50.00 EUR"
    base, usage = (line.description for line in invoice.lines)
    assert base == "Base fee of standard, the tier at the end of 2026-01; not prorated"
    assert usage == (
        "Usage of 2026-01: 3,000,000 tokens, 1,000,000 included;"
        " 2,000,000 at 0.50 EUR per million tokens"
    )


def test_included_tokens_cost_nothing_to_the_last() -> None:
    """And the next ones something: 10,000 tokens are half a cent."""
    for used, total in (
        (1_000_000, "49.00 EUR"),
        (1_009_999, "49.00 EUR"),
        (1_010_000, "49.01 EUR"),
    ):
        [invoice] = _bill(facts(used=used, costs=price()))
        assert str(invoice.total) == total


def test_a_month_without_usage_costs_the_base_fee() -> None:
    """And says that nothing was used."""
    [invoice] = _bill(facts(costs=price()))
    assert _amounts(invoice) == [("base_fee", "49.00 EUR"), ("usage", "0.00 EUR")]


def test_an_account_that_was_never_open_pays_only_what_it_used() -> None:
    """Its last request may be counted in the next month; without one there is no invoice."""
    [invoice] = _bill(facts(used=3_000_000, costs=price(), was_open=False))
    assert _amounts(invoice) == [("usage", "1.00 EUR")]
    assert _bill(facts(costs=price(), was_open=False)) == ()


def test_without_a_price_nothing_is_billed() -> None:
    """The tier is named; an account that has nothing to pay needs none."""
    assert bill(facts()) == Unpriced("standard", JANUARY)
    assert bill(facts(was_open=False)) == ()


def test_usage_that_arrives_late_is_a_line_of_its_own() -> None:
    """By the terms of its month: what is left of its included tokens is free."""
    late = BilledMonth(JANUARY, price().terms, billed_tokens=900_000, used_tokens=1_500_000)
    [invoice] = _bill(facts(costs=price(), month=JANUARY.plus(1), earlier=(late,)))
    assert _amounts(invoice)[2] == ("late_usage", "0.25 EUR")
    line = invoice.lines[2]
    assert (line.usage_month, line.tokens, line.overage_tokens) == (JANUARY, 600_000, 500_000)
    assert line.description == (
        "Usage of 2026-01 that arrived later: 600,000 tokens;"
        " 500,000 above what was included, at 0.50 EUR per million tokens"
    )


def test_what_is_refunded_late_is_credited() -> None:
    """An invoice can be less than nothing."""
    late = BilledMonth(JANUARY, price().terms, billed_tokens=201_000_000, used_tokens=1_000_000)
    [invoice] = _bill(facts(costs=price(), month=JANUARY.plus(1), earlier=(late,)))
    assert _amounts(invoice)[2] == ("late_usage", "-100.00 EUR")
    assert "was refunded later: -200,000,000 tokens" in invoice.lines[2].description
    assert str(invoice.total) == "-51.00 EUR"


def test_what_is_late_in_another_currency_is_a_document_of_its_own() -> None:
    """One for each currency; an invoice never mixes two."""
    yen, dollars = price("100 JPY", 0, "1000 JPY"), price("1.00 USD", 0, "2.00 USD")
    earlier = (
        BilledMonth(JANUARY, yen.terms, billed_tokens=0, used_tokens=1_000_000),
        BilledMonth(JANUARY.plus(1), dollars.terms, billed_tokens=0, used_tokens=1_000_000),
        BilledMonth(JANUARY.plus(2), yen.terms, billed_tokens=0, used_tokens=2_000_000),
    )
    invoice, *supplements = _bill(facts(costs=price(), month=JANUARY.plus(3), earlier=earlier))
    assert (invoice.kind, str(invoice.total)) == (InvoiceKind.INVOICE, "49.00 EUR")
    assert [(each.kind, str(each.total), len(each.lines)) for each in supplements] == [
        (InvoiceKind.SUPPLEMENT, "3000 JPY", 2),
        (InvoiceKind.SUPPLEMENT, "2.00 USD", 1),
    ]


def test_a_closed_account_still_pays_what_arrives_late() -> None:
    """On an invoice without a base fee."""
    late = BilledMonth(JANUARY, price().terms, billed_tokens=0, used_tokens=3_000_000)
    [invoice] = _bill(facts(costs=price(), was_open=False, earlier=(late,)))
    assert [line.kind for line in invoice.lines] == [LineKind.USAGE, LineKind.LATE_USAGE]
    assert str(invoice.total) == "1.00 EUR"


def test_over_three_times_the_month_before_is_flagged() -> None:
    """Three times is not; neither is what follows nothing."""
    before = Money.parse("10.00 EUR")
    assert compare(Money.parse("30.00 EUR"), before) is None
    assert compare(Money.parse("30.01 EUR"), before) == (
        "More than 3 times the month before: 30.01 EUR after 10.00 EUR."
    )
    assert compare(Money.parse("30.01 EUR"), None) is None
    assert compare(Money.parse("30.01 EUR"), Money.parse("0.00 EUR")) is None
    assert compare(Money.parse("30.01 EUR"), -before) is None


def test_another_currency_than_the_month_before_is_flagged() -> None:
    """For then nothing can be compared."""
    said = compare(Money.parse("10.00 USD"), Money.parse("10.00 EUR"))
    assert said == "In another currency than the month before: 10.00 USD after 10.00 EUR."
