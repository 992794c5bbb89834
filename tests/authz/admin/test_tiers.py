"""Tiers: listed, changed and made."""

import asyncpg
import pytest

from authz.domain.administration.refusals import InvalidFieldsError, NotFoundError
from authz.domain.directory import Endpoint, Enforcement
from tests.administration import Administration, ask

_ALL = {
    "requests_per_minute": 1,
    "tokens_per_minute": 10**11,
    "tokens_per_month": 2**50,
    "items_max": 4,
    "endpoints": ("embeddings",),
    "models": ("small", "large"),
}


async def test_tiers_are_listed_by_name(services: Administration) -> None:
    """All of them."""
    names = [tier.name for tier in await services.tiers.list()]
    assert names == ["dedicated", "scale", "standard", "trial"]


@pytest.mark.parametrize("name", ["gold", "", "\0"])
async def test_a_tier_that_there_is_not_is_not_found(services: Administration, name: str) -> None:
    """Whatever its name."""
    with pytest.raises(NotFoundError):
        await services.tiers.get(name)


async def test_only_what_is_named_of_a_tier_is_changed(services: Administration) -> None:
    """The rest stays as it was."""
    before = await services.tiers.get("trial")
    tier, created = await services.tiers.upsert(ask(), "trial", {"items_max": 7})
    assert not created
    assert (tier.items_max, tier.tokens_per_minute) == (7, before.tokens_per_minute)
    assert await services.tiers.get("trial") == tier


async def test_a_new_tier_is_made_of_all_its_limits(services: Administration) -> None:
    """As they were given."""
    tier, created = await services.tiers.upsert(ask(), "gold", _ALL)
    assert created
    assert (tier.name, tier.tokens_per_month) == ("gold", 2**50)
    assert (tier.endpoints, tier.models) == ({Endpoint.EMBEDDINGS}, {"small", "large"})
    assert tier.enforcement is Enforcement.ENFORCED
    assert await services.tiers.get("gold") == tier


async def test_a_tier_only_watches_until_it_is_told_otherwise(services: Administration) -> None:
    """Whatever else of it is changed meanwhile."""
    for fields, enforcement in (
        ({"enforcement": Enforcement.SHADOW}, Enforcement.SHADOW),
        ({"items_max": 7}, Enforcement.SHADOW),
        ({"enforcement": Enforcement.ENFORCED}, Enforcement.ENFORCED),
    ):
        tier, _ = await services.tiers.upsert(ask(), "trial", fields)
        assert tier.enforcement is enforcement
        assert await services.tiers.get("trial") == tier


async def test_a_new_tier_needs_every_limit(services: Administration) -> None:
    """Nothing is taken to be without limits."""
    with pytest.raises(InvalidFieldsError) as caught:
        await services.tiers.upsert(ask(), "gold", {"items_max": 7, "models": ("*",)})
    assert [each.field for each in caught.value.violations] == [
        "tier.requests_per_minute",
        "tier.tokens_per_minute",
        "tier.tokens_per_month",
        "tier.endpoints",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("requests_per_minute", 0),
        ("requests_per_minute", 2**31),
        ("tokens_per_minute", 10**11 + 1),
        ("tokens_per_month", 2**63),
        ("items_max", -1),
        ("items_max", "7"),
        ("endpoints", ()),
        ("endpoints", ("everything",)),
        ("models", ()),
        ("models", ("",)),
        ("enforcement", "shadow"),
        ("enforcement", 1),
        ("colour", 1),
    ],
)
async def test_a_senseless_limit_is_refused(
    services: Administration, field: str, value: object
) -> None:
    """By its name; every process would refuse the whole directory for it."""
    with pytest.raises(InvalidFieldsError) as caught:
        await services.tiers.upsert(ask(), "trial", {field: value})
    assert caught.value.violations[0].field.startswith(f"tier.{field}")


@pytest.mark.parametrize("name", ["", "Gold", "1st", "x" * 33, "a b"])
async def test_a_tier_has_a_plain_name(services: Administration, name: str) -> None:
    """It stands in configuration files."""
    with pytest.raises(InvalidFieldsError, match=r"tier\.name"):
        await services.tiers.upsert(ask(), name, _ALL)


async def test_a_tier_that_is_as_asked_for_is_no_change(
    services: Administration, connection: asyncpg.Connection
) -> None:
    """No process has to hear of it."""
    await services.tiers.upsert(ask(), "gold", _ALL)
    before = await connection.fetchval("SELECT max(number) FROM changes")
    await services.tiers.upsert(ask(), "gold", _ALL)
    assert await connection.fetchval("SELECT max(number) FROM changes") == before
