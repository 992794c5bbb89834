"""The whole decision: tokens that are counted and not used."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from authz.domain.directory import Endpoint
from authz.domain.pepper import Pepper
from authz.domain.verdict import Allowed, Reason
from contract.tokens import RequestTokenizer
from tests.authz.desk import Desk, refusal
from tests.authz.doubles import TIER


async def test_counting_costs_one_request_and_no_tokens(desk: Desk) -> None:
    """It is charged, so that nobody can have texts tokenised without end; and it is no usage."""
    verdict = await desk.count({"input": "word " * 600})
    assert isinstance(verdict, Allowed)
    assert verdict.standing is not None
    assert verdict.standing.requests.remaining == TIER.requests_per_minute - 1
    assert verdict.standing.tokens.remaining == TIER.tokens_per_minute
    assert (verdict.tokens, verdict.minute, desk.recorded) == (None, None, [])


async def test_counting_tells_what_is_left_of_the_month(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """Exactly, where one process serves the account."""
    desk = Desk(pepper, tokenizer, tier=replace(TIER, tokens_per_month=1000))
    for left in (997, 994, 991):
        await desk.embed({})
        verdict = await desk.count({})
        assert isinstance(verdict, Allowed)
        assert verdict.month_left == left
    embedded = await desk.embed({})
    assert isinstance(embedded, Allowed)
    assert embedded.month_left is None


async def test_counting_is_limited_like_any_request(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """By requests alone: a spent month or minute of tokens does not stand in its way."""
    tier = replace(TIER, requests_per_minute=5, tokens_per_minute=3, tokens_per_month=3)
    desk = Desk(pepper, tokenizer, tier=tier)
    assert isinstance(await desk.embed({}), Allowed)
    verdicts = [await desk.count({}) for _ in range(5)]
    assert [isinstance(verdict, Allowed) for verdict in verdicts] == [True] * 4 + [False]
    assert refusal(verdicts[-1]) == (Reason.TOO_MANY_REQUESTS, 429)
    assert verdicts[0].month_left == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"input": ""}, 400),
        ({"input": [30522]}, 400),
        ({"input": ["word " * 100_000] * 4, "truncate": "tail"}, 400),
        ({"input": ["a"] * (TIER.items_max + 1)}, 400),
        ({"dimensions": 385}, 400),
        ({"truncate": "start"}, 400),
        ({"input_type": "query"}, 400),
        ({"model": "gpt-4"}, 404),
    ],
)
async def test_what_is_not_counted_costs_nothing(
    pepper: Pepper, tokenizer: RequestTokenizer, fields: Mapping[str, object], status: int
) -> None:
    """It gets the error that embeddings would get."""
    desk = Desk(pepper, tokenizer, queue_bytes_max=10**7)
    counted, embedded = await desk.count(fields), await desk.embed(fields)
    assert counted == embedded
    assert refusal(counted)[1] == status
    assert (counted.standing is not None) == (status == 400)
    assert desk.asked == 0


async def test_a_key_without_the_scope_counts_nothing(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """Counting belongs to embeddings."""
    desk = Desk(pepper, tokenizer, scopes=frozenset({Endpoint.MODELS}))
    assert refusal(await desk.count({})) == (Reason.ENDPOINT_NOT_IN_SCOPE, 403)
