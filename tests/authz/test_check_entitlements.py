"""The whole decision: what a tier and a key allow."""

from dataclasses import replace

import pytest

from authz.domain.directory import Endpoint
from authz.domain.pepper import Pepper
from authz.domain.verdict import Allowed, Reason
from authz.service.check import Question
from contract.tokens import RequestTokenizer
from tests.authz.desk import KEY, MODEL, Desk, refusal
from tests.authz.doubles import TIER


async def test_models_are_listed_without_charge(desk: Desk) -> None:
    """But not without a key."""
    assert isinstance(await desk.list_models(), Allowed)
    assert desk.asked == 0
    assert desk.recorded == []
    denied = await desk.checker.judge(Question("GET", "/v1/models", None, None, b""))
    assert refusal(denied) == (Reason.MISSING_KEY, 401)


async def test_a_tier_without_the_endpoint_is_a_403(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """Before the body is read."""
    desk = Desk(pepper, tokenizer, tier=replace(TIER, endpoints={Endpoint.MODELS}))
    assert refusal(await desk.post(b"")) == (Reason.ENDPOINT_NOT_ENTITLED, 403)


async def test_a_key_without_the_scope_is_a_403(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """Though its account's tier covers the endpoint."""
    desk = Desk(pepper, tokenizer, scopes=frozenset({Endpoint.EMBEDDINGS}))
    assert refusal(await desk.list_models()) == (Reason.ENDPOINT_NOT_IN_SCOPE, 403)


@pytest.mark.parametrize("covered", [MODEL, "sentence-transformers/all-MiniLM-L6-v2"])
async def test_a_tier_covers_a_model_by_any_of_its_names(
    pepper: Pepper, tokenizer: RequestTokenizer, covered: str
) -> None:
    """The alias that was asked for, or the model behind it."""
    desk = Desk(pepper, tokenizer, tier=replace(TIER, models={covered}))
    assert isinstance(await desk.embed({}), Allowed)


async def test_a_tier_without_the_model_is_a_403(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """And an unknown model is a 404 all the same."""
    desk = Desk(pepper, tokenizer, tier=replace(TIER, models={"other"}))
    assert refusal(await desk.embed({})) == (Reason.MODEL_NOT_ENTITLED, 403)
    assert refusal(await desk.embed({"model": "other"})) == (Reason.INVALID_REQUEST, 404)


async def test_a_tiers_items_are_limited(desk: Desk) -> None:
    """Exactly at its maximum."""
    assert isinstance(await desk.embed({"input": ["a"] * TIER.items_max}), Allowed)
    refused = await desk.embed({"input": ["a"] * (TIER.items_max + 1)})
    assert refusal(refused) == (Reason.TOO_MANY_ITEMS, 400)


async def test_an_unknown_path_is_a_404(desk: Desk) -> None:
    """Should Envoy ever let one through."""
    question = Question("POST", "/v1/chat", f"Bearer {KEY}", None, b"")
    assert refusal(await desk.checker.judge(question)) == (Reason.UNKNOWN_URL, 404)
