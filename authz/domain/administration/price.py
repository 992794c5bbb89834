"""What a tier costs."""

from dataclasses import dataclass
from datetime import datetime

from authz.domain.administration.month import Month
from contract.money import Currency, Money, TokenPrice


@dataclass(frozen=True, slots=True)
class UsageTerms:
    """What a month's tokens cost: nothing up to `included_tokens`, then `overage`."""

    included_tokens: int
    overage: TokenPrice

    def overage_tokens(self, tokens: int) -> int:
        """Return how many of a month's tokens are above what is included."""
        return max(0, tokens - self.included_tokens)

    def charge(self, tokens: int) -> Money:
        """Return what all of a month's tokens cost, rounded once."""
        return self.overage.of(self.overage_tokens(tokens))


@dataclass(frozen=True, slots=True)
class Price:
    """What a tier costs from one month on, until another price is valid."""

    tier: str
    valid_from: Month
    base_fee: Money
    terms: UsageTerms
    set_at: datetime

    def __post_init__(self) -> None:
        if self.base_fee.currency != self.terms.overage.currency:
            raise ValueError("a price has one currency")

    @property
    def currency(self) -> Currency:
        """The one that it is billed in."""
        return self.base_fee.currency
