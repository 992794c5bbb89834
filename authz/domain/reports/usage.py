"""What was used, when, and by whom."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from authz.domain.directory import AccountId, KeyId
from authz.domain.reports.span import Span


class Dimension(StrEnum):
    """What usage can be told apart by."""

    ACCOUNT = "account"
    KEY = "key"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """Which usage, and how it is summed up; `None` leaves nothing out."""

    span: Span
    account_id: AccountId | None
    key_ids: Sequence[KeyId] | None
    models: Sequence[str] | None
    by: Set[Dimension]


@dataclass(frozen=True, slots=True)
class Group:
    """Whose usage it is; what it is not told apart by is absent."""

    account_id: AccountId | None
    key_id: KeyId | None
    model: str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums. `requests` and `tokens` are what counts: refunds are taken off."""

    requests: int
    tokens: int
    failures: int
    refunded_requests: int
    refunded_tokens: int


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One group's usage in the bucket that begins at `bucket`."""

    bucket: datetime
    group: Group
    figures: Figures
