"""Who asks for a change, and what makes the request known again."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What a caller may do; which calls each may make is told by one table in rpc."""

    OWNER = "owner"
    SUPPORT = "support"
    PORTAL = "portal"
    READ_ONLY = "read-only"
    LEAKS = "leaks"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever calls: `name` from a certificate, or `local` on a Unix socket."""

    name: str
    role: Role
    address: str


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """One call that changes something. The same call sent again has the same id and digest."""

    actor: Actor
    method: str
    id: UUID
    digest: bytes = field(repr=False)
    """SHA-256 of the request as it was sent."""
