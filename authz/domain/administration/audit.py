"""The audit: one entry per change, each hashed together with the one before it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from authz.domain.administration.canonical import Facts

T = TypeVar("T")


class SubjectKind(StrEnum):
    """What an entry is about."""

    ACCOUNT = "account"
    KEY = "key"
    TIER = "tier"
    PEPPER = "pepper"
    PRICE = "price"
    INVOICE = "invoice"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. `before` and `after` are JSON, as they were hashed; never a secret."""

    number: int
    at: datetime
    actor: str
    role: str
    address: str
    method: str
    subject_kind: str
    subject: str
    request_id: UUID
    request_digest: bytes
    before: str | None
    after: str | None
    hash: bytes


@dataclass(frozen=True, slots=True)
class Verification:
    """How far the chain was read. `done` at its end, or at the first fault."""

    verified: int
    total: int
    done: bool
    head: bytes = b""
    fault: str | None = None
    fault_number: int | None = None


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """A change that is to be audited, and what its caller is told.

    Where all was as asked for already, `before` is `after`: the request is noted all the same, for
    sent again after another change it would otherwise take effect.
    """

    kind: SubjectKind
    subject: str
    before: Facts | None
    after: Facts | None
    value: T


@dataclass(frozen=True, slots=True)
class NothingMade(Generic[T]):
    """Nothing that anybody needs to know of later."""

    value: T
