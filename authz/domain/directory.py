"""Accounts, keys and tiers as a check sees them, and how they change."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Final, NewType, TypeAlias
from uuid import UUID

AccountId = NewType("AccountId", UUID)
KeyId = NewType("KeyId", UUID)
PepperId = NewType("PepperId", str)
Network: TypeAlias = IPv4Network | IPv6Network

EVERY_MODEL: Final = "*"
"""Stands in a tier's models for whatever is served."""

REQUESTS_PER_MINUTE_MAX: Final = 2**31 - 1
TOKENS_PER_MINUTE_MAX: Final = 100_000_000_000
"""Above this, a minute's bucket would not fit the 64 bits that it is kept in."""


class Endpoint(StrEnum):
    """What can be called; tiers and keys name these."""

    EMBEDDINGS = "embeddings"
    MODELS = "models"
    USAGE = "usage"


class Enforcement(StrEnum):
    """Whether limits refuse; under `shadow`, what they would refuse is recorded and passes."""

    ENFORCED = "enforced"
    SHADOW = "shadow"


class AccountStatus(StrEnum):
    """Whether an account's keys work; `closed` is for ever."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class KeyStatus(StrEnum):
    """Whether a key works; `revoked` is for ever."""

    ACTIVE = "active"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Tier:
    """What an account has bought."""

    name: str
    requests_per_minute: int
    tokens_per_minute: int
    tokens_per_month: int
    items_max: int
    endpoints: Set[Endpoint]
    models: Set[str]
    enforcement: Enforcement = Enforcement.ENFORCED

    def covers_model(self, *names: str) -> bool:
        """Tell whether a model, known by any of these names, may be called."""
        return EVERY_MODEL in self.models or not self.models.isdisjoint(names)


@dataclass(frozen=True, slots=True)
class Account:
    """A customer."""

    id: AccountId
    name: str
    tier: str
    status: AccountStatus


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its text; `scopes` are the endpoints it may call.

    `peppers` are those that its digest was made under, in order. Calls may come from `networks`,
    from anywhere where there are none. Limits of its own lie inside those of its account; where
    there is none, only the account's holds.
    """

    id: KeyId
    account_id: AccountId
    digest: bytes = field(repr=False)
    peppers: tuple[PepperId, ...]
    status: KeyStatus
    scopes: Set[Endpoint]
    networks: tuple[Network, ...]
    expires_at: datetime | None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A key with all that decides what it may do."""

    key: Key
    account: Account
    tier: Tier


class BadDirectoryError(ValueError):
    """Directory data breaks a rule, so none of it is used."""


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed up to change number `number`, as it is now; a name without data is gone.

    Each mapping holds exactly the subjects that changed.
    """

    number: int
    tiers: Mapping[str, Tier | None]
    accounts: Mapping[AccountId, Account | None]
    keys: Mapping[KeyId, Key | None]
