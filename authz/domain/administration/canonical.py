"""Facts for the audit: as JSON, written in one way only, and never with a key in them."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias, TypeVar

from authz.domain.administration.records import AccountRecord, KeyRecord
from authz.domain.directory import Tier
from contract.keys import PATTERN, mask_key

V = TypeVar("V")

Fact: TypeAlias = str | int | list[str] | None
Facts: TypeAlias = Mapping[str, Fact]

_KEYS: Final = re.compile(PATTERN, re.ASCII)


def write_facts(facts: Facts) -> str:
    """Return facts as JSON with sorted names.

    People paste keys into reasons, and a leaked key's address can hold it, so what looks like one
    is masked wherever it stands.
    """
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return mask_keys(text)


def mask_keys(text: str) -> str:
    """Return a text in which no key can be read."""
    return _KEYS.sub(lambda match: mask_key(match[0]), text)


def holds_key(text: str) -> bool:
    """Tell whether what looks like a key stands in a text."""
    return _KEYS.search(text) is not None


def write_moment(moment: datetime) -> str:
    """Return a time as the audit writes it: in UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def describe_account(account: AccountRecord) -> dict[str, Fact]:
    """Return all that can be changed about an account."""
    return {
        "id": str(account.id),
        "name": account.name,
        "email": account.email,
        "tier": account.tier,
        "status": account.status,
    }


def describe_key(key: KeyRecord) -> dict[str, Fact]:
    """Return all that can be changed about a key, and what of its text is shown."""
    return {
        "id": str(key.id),
        "account_id": str(key.account_id),
        "name": key.name,
        "environment": key.environment,
        "scopes": sorted(key.scopes),
        "networks": [str(network) for network in key.networks],
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_minute": key.tokens_per_minute,
        "status": key.status,
        "expires_at": _write(write_moment, key.expires_at),
        "revoked_at": _write(write_moment, key.revoked_at),
        "prefix": key.prefix,
        "last_four": key.last_four,
        "replaces": _write(str, key.replaces),
        "replaced_by": _write(str, key.replaced_by),
    }


def describe_tier(tier: Tier) -> dict[str, Fact]:
    """Return all of a tier."""
    return {
        "name": tier.name,
        "requests_per_minute": tier.requests_per_minute,
        "tokens_per_minute": tier.tokens_per_minute,
        "tokens_per_month": tier.tokens_per_month,
        "items_max": tier.items_max,
        "endpoints": sorted(tier.endpoints),
        "models": sorted(tier.models),
        "enforcement": tier.enforcement,
    }


def _write(write: Callable[[V], str], value: V | None) -> str | None:
    return None if value is None else write(value)
