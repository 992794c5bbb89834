"""What is known of an account's months before any of it is an invoice."""

from dataclasses import dataclass

from authz.domain.administration.month import Month
from authz.domain.administration.price import UsageTerms
from authz.domain.directory import AccountId


@dataclass(frozen=True, slots=True)
class Tenure:
    """An account in one month: the tier at its end, and whether it was open at any time of it."""

    account_id: AccountId
    account_name: str
    tier: str
    was_open: bool


@dataclass(frozen=True, slots=True)
class Billed:
    """A month whose invoice is finished: its terms, and how many of its tokens were billed."""

    account_id: AccountId
    month: Month
    terms: UsageTerms
    tokens: int
