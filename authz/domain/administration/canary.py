"""The account under which we try for ourselves how fast a key is revoked."""

from typing import Final

CANARY_ACCOUNT: Final = "tessera-canary"
"""Nobody else can have this name, and no list shows it."""
