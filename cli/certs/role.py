"""What a client certificate entitles to."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """The admin API's roles; its server decides what each may call."""

    OWNER = "owner"
    SUPPORT = "support"
    PORTAL = "portal"
    READ_ONLY = "read-only"
    LEAKS = "leaks"


TRUST_DOMAIN: Final = "tessera"


def identity(role: Role, name: str) -> str:
    """Return the URI that a client certificate holds."""
    return f"spiffe://{TRUST_DOMAIN}/admin/{role}/{name}"
