"""Accounts, keys and tiers as a check sees them, and the one state that holds them all."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType, Self, TypeVar
from uuid import UUID

K = TypeVar("K")
V = TypeVar("V")

AccountId = NewType("AccountId", UUID)
KeyId = NewType("KeyId", UUID)

EVERY_MODEL: Final = "*"
"""Stands in a tier's models for whatever is served."""


class Endpoint(StrEnum):
    """What can be called; tiers and keys name these."""

    EMBEDDINGS = "embeddings"
    MODELS = "models"


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
    """A key without its text; `scopes` are the endpoints it may call."""

    id: KeyId
    account_id: AccountId
    digest: bytes = field(repr=False)
    status: KeyStatus
    scopes: Set[Endpoint]
    expires_at: datetime | None


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


@dataclass(frozen=True, slots=True)
class Directory:
    """Everything at one change number. Never changed in place, so a reader needs no lock."""

    number: int
    tiers: Mapping[str, Tier]
    accounts: Mapping[AccountId, Account]
    keys: Mapping[KeyId, Key]
    _by_digest: Mapping[bytes, Key] = field(repr=False)

    @classmethod
    def build(
        cls,
        number: int,
        tiers: Mapping[str, Tier],
        accounts: Mapping[AccountId, Account],
        keys: Mapping[KeyId, Key],
    ) -> Self:
        """Put the parts together.

        Raises:
            BadDirectoryError: two keys share a digest, or something refers to what is not there.
        """
        by_digest = {key.digest: key for key in keys.values()}
        if len(by_digest) != len(keys):
            raise BadDirectoryError("two keys share a digest")
        for account in accounts.values():
            if account.tier not in tiers:
                raise BadDirectoryError(f"account {account.id} has an unknown tier")
        for key in keys.values():
            if key.account_id not in accounts:
                raise BadDirectoryError(f"key {key.id} has an unknown account")
        return cls(number, tiers, accounts, keys, by_digest)

    def apply(self, delta: Delta) -> "Directory":
        """Return the state after `delta`.

        Raises:
            BadDirectoryError: the result would break a rule, or `delta` is older than this state.
        """
        if delta.number < self.number:
            raise BadDirectoryError(
                f"the database is at change {delta.number}, behind {self.number} known here"
            )
        return Directory.build(
            delta.number,
            _merge(self.tiers, delta.tiers),
            _merge(self.accounts, delta.accounts),
            _merge(self.keys, delta.keys),
        )

    def find(self, digest: bytes) -> Holder | None:
        """Return who holds the key with this digest, whatever its status."""
        key = self._by_digest.get(digest)
        if key is None:
            return None
        account = self.accounts[key.account_id]
        return Holder(key, account, self.tiers[account.tier])


def _merge(now: Mapping[K, V], changes: Mapping[K, V | None]) -> dict[K, V]:
    merged = dict(now)
    for name, value in changes.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = value
    return merged
