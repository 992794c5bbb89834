"""Rows and JSON objects are believed whole or not at all."""

from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any, Final
from uuid import uuid4

import pytest

from authz.domain.directory import BadDirectoryError, Enforcement, PepperId
from authz.storage.directory_fields import KeyParser, by_id, parse_account, parse_tier

_TIER: dict[str, Any] = {
    "name": "trial",
    "requests_per_minute": 60,
    "tokens_per_minute": 1000,
    "tokens_per_month": 10_000,
    "items_max": 8,
    "endpoints": ["embeddings"],
    "models": ["*"],
    "enforcement": "enforced",
}
_ACCOUNT: dict[str, Any] = {"id": uuid4(), "name": "acme", "tier": "trial", "status": "active"}
_PEPPERS: Final = frozenset({PepperId("00000000")})
_KEY: dict[str, Any] = {
    "id": uuid4(),
    "account_id": uuid4(),
    "digest": bytes(32),
    "pepper_id": "00000000",
    "wrapped_under": [],
    "status": "active",
    "scopes": ["embeddings"],
    "networks": [],
    "expires_at": datetime(2027, 1, 1, tzinfo=UTC),
    "requests_per_minute": None,
    "tokens_per_minute": None,
}


def test_good_fields_are_read() -> None:
    """The rows that the bad ones below are made from are good."""
    assert parse_tier(_TIER).name == "trial"
    assert parse_account(_ACCOUNT).id == _ACCOUNT["id"]
    assert KeyParser(_PEPPERS).parse(_KEY).expires_at == _KEY["expires_at"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", None),
        ("requests_per_minute", 0),
        ("requests_per_minute", None),
        ("requests_per_minute", True),
        ("requests_per_minute", 2**31),
        ("tokens_per_minute", -1),
        ("tokens_per_minute", 10**11 + 1),
        ("tokens_per_month", "many"),
        ("items_max", 1.5),
        ("endpoints", ["everything"]),
        ("endpoints", None),
        ("models", [""]),
        ("models", "all"),
        ("enforcement", "lenient"),
        ("enforcement", None),
    ],
)
def test_a_bad_tier_is_refused(field: str, value: object) -> None:
    """A blank limit is no limit of nothing, and none without end either."""
    with pytest.raises(BadDirectoryError):
        parse_tier(_TIER | {field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", None),
        ("id", "x"),
        ("name", "  "),
        ("tier", ""),
        ("status", "actve"),
        ("status", None),
    ],
)
def test_a_bad_account_is_refused(field: str, value: object) -> None:
    """An unknown status is neither active nor closed."""
    with pytest.raises(BadDirectoryError):
        parse_account(_ACCOUNT | {field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", 7),
        ("account_id", None),
        ("digest", b""),
        ("digest", bytes(31)),
        ("digest", None),
        ("status", "deleted"),
        ("scopes", ["admin"]),
        ("scopes", None),
        ("expires_at", "soon"),
        ("expires_at", datetime(2027, 1, 1)),  # noqa: DTZ001 the point
        ("pepper_id", "ffffffff"),
        ("pepper_id", None),
        ("wrapped_under", ["ffffffff"]),
        ("wrapped_under", [""]),
        ("wrapped_under", None),
        ("networks", None),
        ("networks", ["everywhere"]),
        ("networks", ["10.0.0.1/8"]),
        ("networks", [["10.0.0.0/8"]]),
        ("networks", [None]),
        ("requests_per_minute", 0),
        ("requests_per_minute", -1),
        ("requests_per_minute", 2**31),
        ("requests_per_minute", "60"),
        ("requests_per_minute", True),
        ("tokens_per_minute", 0),
        ("tokens_per_minute", 1.5),
        ("tokens_per_minute", 10**11 + 1),
    ],
)
def test_a_bad_key_is_refused(field: str, value: object) -> None:
    """So is a key made under another pepper: with this one it would never be found."""
    with pytest.raises(BadDirectoryError):
        KeyParser(_PEPPERS).parse(_KEY | {field: value})


def test_a_revoked_key_may_need_a_pepper_that_is_gone() -> None:
    """Nobody looks for it to let it in."""
    revoked = _KEY | {"status": "revoked", "pepper_id": "ffffffff", "wrapped_under": ["eeeeeeee"]}
    assert KeyParser(_PEPPERS).parse(revoked).peppers == ("ffffffff", "eeeeeeee")


def test_limits_are_read_up_to_the_most_there_is() -> None:
    """Of a key either may be there alone."""
    parser = KeyParser(_PEPPERS)
    most = parser.parse(_KEY | {"requests_per_minute": 2**31 - 1, "tokens_per_minute": 10**11})
    one = parser.parse(_KEY | {"tokens_per_minute": 1})
    assert (most.requests_per_minute, most.tokens_per_minute) == (2**31 - 1, 10**11)
    assert (one.requests_per_minute, one.tokens_per_minute) == (None, 1)
    assert parse_tier(_TIER | {"tokens_per_minute": 10**11}).tokens_per_minute == 10**11


def test_a_tier_may_only_watch() -> None:
    """By its own word for it."""
    assert parse_tier(_TIER).enforcement is Enforcement.ENFORCED
    assert parse_tier(_TIER | {"enforcement": "shadow"}).enforcement is Enforcement.SHADOW


def test_keys_with_the_same_terms_share_them() -> None:
    """And each differs where it should."""
    parser = KeyParser(_PEPPERS)
    fenced = _KEY | {"networks": ["10.0.0.0/8"]}
    limited = _KEY | {"requests_per_minute": 7}
    rows = (_KEY, dict(_KEY), fenced, limited)
    one, other, third, fourth = (parser.parse(fields) for fields in rows)
    assert one.scopes is other.scopes
    assert (other.networks, third.networks) == ((), (ip_network("10.0.0.0/8"),))
    assert (other.requests_per_minute, fourth.requests_per_minute) == (None, 7)


def test_a_duplicate_is_refused() -> None:
    """The last of two would silently win."""
    with pytest.raises(BadDirectoryError, match="twice"):
        by_id(["a", "a"], lambda value: value)
