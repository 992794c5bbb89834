"""What is kept of accounts, keys, processes and peppers."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from authz.domain.directory import (
    AccountId,
    AccountStatus,
    Endpoint,
    KeyId,
    Network,
    PepperId,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """A customer. Internal accounts have no email."""

    id: AccountId
    name: str
    email: str | None
    tier: str
    status: AccountStatus
    created_at: datetime


class KeyListStatus(StrEnum):
    """Whether a key works, by the database's clock."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key without its text and its digest; without limits of its own, its account's hold."""

    id: KeyId
    account_id: AccountId
    name: str
    environment: str
    scopes: Set[Endpoint]
    networks: tuple[Network, ...]
    status: KeyListStatus
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    prefix: str
    last_four: str
    replaces: KeyId | None
    replaced_by: KeyId | None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process that answers checks, as it last told of itself."""

    name: str
    started_at: datetime
    seen_at: datetime
    fenced_at: datetime
    """From when it certainly refuses every check, if it is not heard of again."""
    number: int
    """The last change that it has applied."""
    peppers: Set[PepperId]


class PepperStatus(StrEnum):
    """What a pepper is for."""

    NEW = "new"
    CURRENT = "current"
    PREVIOUS = "previous"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class PepperRecord:
    """A pepper by its name, and how many keys that work need it."""

    id: PepperId
    status: PepperStatus
    since: datetime | None
    keys: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some of a list; `next_token` is where the rest begins."""

    items: tuple[T, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page: up to `size` items from where `token` says."""

    size: int
    token: str | None = None
