"""Short ways to make asks."""

from typing import Final

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.quota.lease_messages import Ask, HolderId, LeaseId
from authz.domain.quota.lease_rules import LeaseRules
from authz.domain.quota.quota import Limits

LIMITS: Final = Limits(50, 5_000, 100_000)
RULES: Final = LeaseRules()


def open_lease(holder: str, needed: Amounts, number: int = 0) -> Ask:
    """Ask for a first grant of just so much."""
    lease = LeaseId(HolderId(holder), number)
    return Ask(0, lease, NOTHING, NOTHING, needed, needed, opens=True)


def report(holder: str, spent: Amounts, number: int = 0) -> Ask:
    """Tell what was spent of a lease, and ask for nothing."""
    lease = LeaseId(HolderId(holder), number)
    return Ask(1, lease, spent, NOTHING, NOTHING, NOTHING)


def close_lease(holder: str, spent: Amounts, number: int = 0) -> Ask:
    """Return a lease of which so much was spent."""
    lease = LeaseId(HolderId(holder), number)
    return Ask(2, lease, spent, NOTHING, NOTHING, NOTHING, closes=True)
