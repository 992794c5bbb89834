"""One request that was let pass and charged for."""

from dataclasses import dataclass
from typing import Final

from authz.domain.directory import AccountId, KeyId

MINUTE: Final = 60_000_000
"""In microseconds."""


@dataclass(frozen=True, slots=True)
class User:
    """Whose usage it is, and of which model."""

    account_id: AccountId
    key_id: KeyId
    model: str


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge that may still be refunded; `number` names it among all of its journal.

    `at` is in microseconds since 1970. `is_leased`: a lease paid for it, and so a month did.
    """

    number: int
    at: int
    tokens: int
    is_leased: bool
