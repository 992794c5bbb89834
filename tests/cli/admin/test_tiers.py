"""`tessera tiers`."""

import json

from proto.tessera.admin.v1.tiers_pb2 import (
    ENFORCEMENT_ENFORCED,
    ENFORCEMENT_SHADOW,
    GetTierRequest,
    GetTierResponse,
    ListTiersResponse,
    Tier,
    UpsertTierRequest,
    UpsertTierResponse,
)
from tests.cli.admin.canned import CannedServer
from tests.cli.admin.conftest import Tessera
from tests.cli.admin.records import TIER


def test_tiers_are_listed(server: CannedServer, tessera: Tessera) -> None:
    """In 100 columns, each tier in one line of them; for programs as numbers, however large."""
    server.answer("ListTiers", ListTiersResponse(tiers=[TIER]))
    shown = tessera("tiers", "list").stdout
    assert max(map(len, shown.splitlines())) <= 100
    assert shown.startswith("name ")
    assert "1,000,000" in shown
    assert "shadow" in shown
    document = json.loads(tessera("tiers", "list", "--output", "json").stdout)
    assert document["tiers"][0]["tokens_per_month"] == 2**40


def test_a_tier_is_shown(server: CannedServer, tessera: Tessera) -> None:
    """By its name."""
    server.answer("GetTier", GetTierResponse(tier=TIER))
    shown = tessera("tiers", "get", "standard").stdout
    assert "embeddings, models, usage" in shown
    assert "1,000,000" in shown
    assert server.asked(GetTierRequest)[0].name == "standard"


def test_only_what_is_typed_is_changed(server: CannedServer, tessera: Tessera) -> None:
    """The mask names it."""
    server.answer("UpsertTier", UpsertTierResponse(tier=TIER, created=True))
    options = ("--requests-per-minute", "6000", "--model", "a", "--model", "b")
    result = tessera("tiers", "upsert", "standard", *options)
    (request,) = server.asked(UpsertTierRequest)
    assert list(request.update_mask.paths) == ["requests_per_minute", "models"]
    assert request.tier == Tier(name="standard", requests_per_minute=6000, models=["a", "b"])
    assert result.stderr == "The tier was made.\n"


def test_a_tier_is_told_to_watch_only(server: CannedServer, tessera: Tessera) -> None:
    """And to refuse again; by no other word."""
    server.answer("UpsertTier", UpsertTierResponse(tier=TIER))
    for word, number in (("shadow", ENFORCEMENT_SHADOW), ("enforced", ENFORCEMENT_ENFORCED)):
        tessera("tiers", "upsert", "standard", "--enforcement", word)
        request = server.asked(UpsertTierRequest)[-1]
        assert list(request.update_mask.paths) == ["enforcement"]
        assert request.tier == Tier(name="standard", enforcement=number)
    assert tessera("tiers", "upsert", "standard", "--enforcement", "none").exit_code == 2


def test_a_number_that_no_message_holds_is_refused(tessera: Tessera) -> None:
    """As wrong usage, not with a traceback."""
    result = tessera("tiers", "upsert", "standard", "--requests-per-minute", str(2**31))
    assert result.exit_code == 2
    assert "too large" in result.stderr


def test_a_change_of_nothing_is_refused(tessera: Tessera) -> None:
    """An empty mask would mean every field."""
    assert tessera("tiers", "upsert", "standard").exit_code == 2
