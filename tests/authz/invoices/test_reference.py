"""Random months, billed here and by a naive biller that knows everything from the start."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from authz.domain.administration.invoice import Content, InvoiceKind, Line, LineKind
from authz.domain.administration.invoice_arithmetic import AccountMonth, BilledMonth, Unpriced, bill
from authz.domain.administration.month import Month
from authz.domain.administration.price import Price
from tests.authz.invoices.months import JANUARY, facts, price

_PRICES = (
    price("49.00 EUR", 1_000_000, "0.02 EUR"),
    price("0.00 EUR", 0, "0.000001 EUR"),
    price("99.99 EUR", 0, "123.456789 EUR"),
    price("5000 JPY", 300, "7 JPY"),
    price("1.005 KWD", 12_345, "0.5 KWD"),
)
_TOKENS = st.one_of(st.integers(0, 3_000_000), st.integers(0, 10**12))


@dataclass(frozen=True, slots=True)
class _Life:
    """A month as it is lived, and what becomes known of it after its invoice."""

    price: Price
    was_open: bool
    used: int
    later: tuple[int, ...]
    """What its usage was found to be, one invoice after the other."""


@dataclass(slots=True)
class _Ledger:
    """What a biller keeps: what was used, and what was billed."""

    used: dict[Month, int] = field(default_factory=dict)
    prices: dict[Month, Price] = field(default_factory=dict)
    """Of the months that were billed."""
    contents: list[Content] = field(default_factory=list)

    def bill(self, months: AccountMonth) -> None:
        """Finish a month."""
        billed = self.count_billed()
        earlier = tuple(
            BilledMonth(month, costs.terms, billed[month], self.used[month])
            for month, costs in self.prices.items()
        )
        contents = bill(replace(months, earlier=earlier))
        assert not isinstance(contents, Unpriced)
        if contents:
            assert months.price is not None
            self.prices[months.month] = months.price
        self.contents.extend(contents)

    def lines(self) -> Iterator[Line]:
        """Yield every line of every document."""
        for content in self.contents:
            yield from content.lines

    def count_billed(self) -> Counter[Month]:
        """Return how many tokens were billed of each month."""
        billed: Counter[Month] = Counter()
        for line in self.lines():
            billed[line.usage_month] += line.tokens
        return billed


_AFTERWARDS = _Life(_PRICES[0], was_open=True, used=0, later=())
_LIVES = st.lists(
    st.builds(
        _Life,
        st.sampled_from(_PRICES),
        st.booleans(),
        _TOKENS,
        st.lists(_TOKENS, max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=6,
)


def _live(lives: list[_Life]) -> _Ledger:
    """Bill month after month, as usage becomes known, until all of it is."""
    ledger = _Ledger()
    for index in range(len(lives) + 3):
        for earlier, life in enumerate(lives[:index]):
            known = (life.used, *life.later)
            ledger.used[JANUARY.plus(earlier)] = known[min(index - earlier, len(known) - 1)]
        month = JANUARY.plus(index)
        life = lives[index] if index < len(lives) else _AFTERWARDS
        ledger.used[month] = life.used
        ledger.bill(facts(used=life.used, costs=life.price, was_open=life.was_open, month=month))
    return ledger


@given(_LIVES)
def test_no_token_is_lost_and_none_is_billed_twice(lives: list[_Life]) -> None:
    """Whatever arrives late, is refunded late, or both by turns."""
    ledger = _live(lives)
    billed = ledger.count_billed()
    assert all(billed[month] == ledger.used[month] for month in ledger.prices)


@given(_LIVES)
def test_all_lines_of_a_month_make_what_a_naive_biller_asks_for_once(lives: list[_Life]) -> None:
    """To the smallest unit, though they were rounded one by one."""
    ledger = _live(lives)
    for month, costs in ledger.prices.items():
        amounts = [
            line.amount
            for line in ledger.lines()
            if line.usage_month == month and line.kind is not LineKind.BASE_FEE
        ]
        assert {amount.currency for amount in amounts} == {costs.currency}
        asked = sum(amount.minor_units for amount in amounts)
        assert asked == _ask_naively(costs, ledger.used[month])


@given(_LIVES)
def test_a_total_is_the_sum_of_lines_of_one_currency(lives: list[_Life]) -> None:
    """And what is beside an invoice is late usage alone."""
    for content in _live(lives).contents:
        assert {line.amount.currency for line in content.lines} == {content.currency}
        assert content.total.minor_units == sum(line.amount.minor_units for line in content.lines)
        if content.kind is InvoiceKind.SUPPLEMENT:
            assert {line.kind for line in content.lines} == {LineKind.LATE_USAGE}


@given(_LIVES)
def test_a_base_fee_is_whole_and_billed_once(lives: list[_Life]) -> None:
    """For each month in which the account was open."""
    fees = {
        line.usage_month: line.amount
        for line in _live(lives).lines()
        if line.kind is LineKind.BASE_FEE and line.usage_month < JANUARY.plus(len(lives))
    }
    assert fees == {
        JANUARY.plus(index): life.price.base_fee
        for index, life in enumerate(lives)
        if life.was_open
    }


def _ask_naively(costs: Price, used: int) -> int:
    over = max(0, used - costs.terms.included_tokens)
    micros = costs.terms.overage.micros_per_million_tokens
    exact = Fraction(over, 10**6) * Fraction(micros, 10**6) * 10**costs.currency.decimals
    asked: int = floor(exact + Fraction(1, 2))
    return asked
