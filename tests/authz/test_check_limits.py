"""The whole decision: limits, and what is told of them."""

from dataclasses import replace

from authz.domain.pepper import Pepper
from authz.domain.quota.amounts import Dimension
from authz.domain.quota.outcome import Limited, Standing, Standings
from authz.domain.verdict import Allowed, Denied, Reason
from contract.tokens import RequestTokenizer
from tests.authz.desk import Desk, refusal
from tests.authz.doubles import ACCOUNT, TIER


async def test_a_refused_body_still_says_what_is_left(desk: Desk) -> None:
    """Clients read the limits from 400s too."""
    await desk.embed({})
    verdict = await desk.embed({"input": ""})
    assert verdict.standing is not None
    assert verdict.standing.requests.remaining == TIER.requests_per_minute - 1
    assert verdict.standing.tokens.remaining == TIER.tokens_per_minute - 3


async def test_before_anything_is_known_a_refused_body_says_the_tiers_limits(
    desk: Desk,
) -> None:
    """Nothing is used, as far as is known, and nobody is asked for it."""
    verdict = await desk.embed({"input": ""})
    assert verdict.standing == Standings(Standing(60, 60, 0), Standing(1000, 1000, 0))
    assert desk.asked == 0


async def test_the_limit_is_exact(pepper: Pepper, tokenizer: RequestTokenizer) -> None:
    """As many as were sold, and not one more."""
    desk = Desk(pepper, tokenizer, tier=replace(TIER, requests_per_minute=3))
    verdicts = [await desk.embed({}) for _ in range(5)]
    assert [isinstance(verdict, Allowed) for verdict in verdicts] == [True] * 3 + [False] * 2


async def test_a_429_tells_limit_use_and_wait(pepper: Pepper, tokenizer: RequestTokenizer) -> None:
    """In the words that clients know."""
    desk = Desk(pepper, tokenizer, tier=replace(TIER, requests_per_minute=3))
    for _ in range(3):
        await desk.embed({})
    verdict = await desk.embed({})
    assert isinstance(verdict, Denied)
    assert verdict.error.status == 429
    assert verdict.error.message == (
        "Rate limit reached for sentence-transformers/all-MiniLM-L6-v2 in account acme on requests "
        "per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s."
    )
    assert verdict.error.headers()["retry-after-ms"] == "20000"


async def test_a_429_for_tokens_tells_the_exact_wait(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """OpenAI's type for it, and (Used + Requested - Limit) / rate."""
    desk = Desk(pepper, tokenizer, tier=replace(TIER, tokens_per_minute=5))
    await desk.embed({})
    verdict = await desk.embed({})
    assert refusal(verdict) == (Reason.TOO_MANY_TOKENS, 429)
    assert isinstance(verdict, Denied)
    assert verdict.error.type == "tokens"
    assert verdict.error.message.endswith(
        "(TPM): Limit 5, Used 3, Requested 3. Please try again in 12s."
    )
    assert verdict.error.headers()["retry-after-ms"] == "12000"


async def test_a_request_beyond_a_whole_minute_is_not_to_be_repeated(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """No wait makes it fit."""
    desk = Desk(pepper, tokenizer, tier=replace(TIER, tokens_per_minute=2))
    verdict = await desk.embed({})
    assert refusal(verdict) == (Reason.REQUEST_TOO_LARGE, 429)
    assert isinstance(verdict, Denied)
    assert "Request too large for" in verdict.error.message
    assert "Limit 2, Requested 3." in verdict.error.message
    assert verdict.error.headers()["x-should-retry"] == "false"


async def test_a_spent_month_is_not_to_be_repeated(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """However near its end is."""
    desk = Desk(pepper, tokenizer, tier=replace(TIER, tokens_per_month=5))
    await desk.embed({})
    verdict = await desk.embed({})
    assert refusal(verdict) == (Reason.MONTH_SPENT, 429)
    assert isinstance(verdict, Denied)
    assert (verdict.error.type, verdict.error.code) == ("insufficient_quota",) * 2
    assert verdict.error.headers()["x-should-retry"] == "false"


async def test_a_refusal_says_whose_it_was_and_why(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """For whoever asks later."""
    desk = Desk(pepper, tokenizer, tier=replace(TIER, requests_per_minute=1))
    await desk.embed({})
    verdict = await desk.embed({})
    assert isinstance(verdict, Denied)
    assert (verdict.account_id, verdict.key_id) == (ACCOUNT.id, desk.key_id)
    assert verdict.evidence is not None
    assert verdict.evidence.limited == Limited(Dimension.REQUESTS, 1, 1, 1, 60_000_000)
    assert verdict.standing is not None
    assert verdict.standing.requests == Standing(1, 0, 60_000_000)
