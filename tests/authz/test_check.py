"""The whole decision: what passes, what it costs, and what is written down of it."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from authz.domain.directory import Enforcement
from authz.domain.evidence import Evidence, Source, Whose
from authz.domain.pepper import Pepper
from authz.domain.quota.amounts import Amounts
from authz.domain.undecided import DirectoryStaleError, TokenisersBusyError, UsageUnavailableError
from authz.domain.verdict import Allowed, Reason
from authz.service.quota.decision import NO_TICKET
from contract.tokens import RequestTokenizer
from tests.authz.desk import Desk, refusal
from tests.authz.doubles import ACCOUNT, TIER
from tests.contract.qwen_like import CARD as QWEN_CARD
from tests.contract.qwen_like import train_like_qwen


async def test_a_good_request_is_allowed_with_its_tokens(desk: Desk) -> None:
    """`hello` is one token, and the model adds two of its own."""
    verdict = await desk.embed({})
    assert isinstance(verdict, Allowed)
    assert verdict.tokens == 3
    assert verdict.account_id == ACCOUNT.id
    assert verdict.minute == 29


async def test_an_allowed_request_is_charged_once(desk: Desk) -> None:
    """In every dimension; and the verdict says what is left, and how that was decided."""
    verdict = await desk.embed({})
    assert desk.asked == 1
    assert verdict.standing is not None
    assert verdict.standing.requests.remaining == TIER.requests_per_minute - 1
    assert verdict.standing.tokens.remaining == TIER.tokens_per_minute - 3
    assert verdict.evidence == Evidence(
        *(Amounts(1, 3), None, Whose.ACCOUNT, Source.LEDGER, Amounts(0, 0), 10_000_000)
    )


async def test_what_is_charged_is_written_down_before_it_passes(desk: Desk) -> None:
    """By the request's id, with what a refund needs."""
    await desk.embed({})
    [(request_id, cost, ticket)] = desk.recorded
    assert (request_id, cost) == ("req_1", Amounts(1, 3))
    assert ticket.account is not None


async def test_what_cannot_be_written_down_does_not_pass_and_is_not_charged(desk: Desk) -> None:
    """Or it would be served for nothing, or charged for nothing."""
    desk.is_disk_full = True
    with pytest.raises(UsageUnavailableError):
        await desk.embed({})
    desk.is_disk_full = False
    await desk.embed({})
    await desk.charging.wait(2)
    assert desk.charging.quota().month.spent == 3


async def test_what_is_refused_is_no_usage(pepper: Pepper, tokenizer: RequestTokenizer) -> None:
    """Rejected requests cost nothing."""
    desk = Desk(pepper, tokenizer, tier=replace(TIER, requests_per_minute=1))
    assert [isinstance(await desk.embed({}), Allowed) for _ in range(3)] == [True, False, False]
    assert len(desk.recorded) == 1


async def test_a_shadow_tier_refuses_nothing_and_its_requests_are_usage(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """What it would refuse passes without a charge, and is told in the evidence."""
    tier = replace(TIER, requests_per_minute=1, enforcement=Enforcement.SHADOW)
    desk = Desk(pepper, tokenizer, tier=tier)
    first, second = await desk.embed({}), await desk.embed({})
    assert isinstance(first, Allowed)
    assert isinstance(second, Allowed)
    assert second.evidence is not None
    assert second.evidence.shadow
    assert second.evidence.limited is not None
    assert [ticket == NO_TICKET for _, _, ticket in desk.recorded] == [False, True]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"input": ""}, 400),
        ({"input": []}, 400),
        ({"input": {"a": 1}}, 400),
        ({"input": "hello " * 600}, 400),
        ({"input": [30522]}, 400),
        ({"dimensions": 0}, 400),
        ({"dimensions": 385}, 400),
        ({"encoding_format": "hex"}, 400),
        ({"model": None}, 400),
        ({"model": "gpt-4"}, 404),
    ],
)
async def test_a_wrong_request_costs_nothing(
    desk: Desk, fields: Mapping[str, object], status: int
) -> None:
    """It is refused before the ledger is asked."""
    assert refusal(await desk.embed(fields)) == (Reason.INVALID_REQUEST, status)
    assert desk.asked == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"input":"\xff"}', b"\x00"])
async def test_a_body_that_is_no_json_object_is_a_400(desk: Desk, body: bytes) -> None:
    """Whatever its bytes."""
    assert refusal(await desk.post(body)) == (Reason.INVALID_REQUEST, 400)


async def test_what_is_cut_is_not_charged(desk: Desk) -> None:
    """The tokens are those of the vectors."""
    verdict = await desk.embed({"input": ["hello " * 600, "hello"], "truncate": "head"})
    assert isinstance(verdict, Allowed)
    assert verdict.tokens == 512 + 3


async def test_a_long_body_counts_the_same_in_a_thread(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """Where it is counted changes nothing of the verdict."""
    desk = Desk(pepper, tokenizer, inline_bytes=1)
    verdict = await desk.embed({})
    assert isinstance(verdict, Allowed)
    assert verdict.tokens == 3


async def test_too_many_long_bodies_are_turned_away(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """Rather than kept waiting without end; whose body it was can be told later."""
    desk = Desk(pepper, tokenizer, inline_bytes=1, queue_bytes_max=10)
    with pytest.raises(TokenisersBusyError) as caught:
        await desk.embed({})
    assert (caught.value.account_id, caught.value.key_id) == (ACCOUNT.id, desk.key_id)


async def test_a_short_body_that_asks_for_many_prompts_is_long(pepper: Pepper) -> None:
    """A prompt goes before each of its texts, and counting them all would hold up everyone."""
    desk = Desk(pepper, RequestTokenizer(QWEN_CARD, train_like_qwen()), queue_bytes_max=10)
    body = {"input": ["q"] * 4, "instruction": "Find it. " * 150}
    with pytest.raises(TokenisersBusyError):
        await desk.embed(body)
    assert isinstance(await desk.embed({"input": ["q"], "instruction": "Find it."}), Allowed)


async def test_a_long_body_is_held_until_it_is_counted(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """Whose caller has left: the thread that counts it has not."""
    body = {"input": "a word, and another. " * 30_000}
    desk = Desk(pepper, tokenizer, inline_bytes=1, queue_bytes_max=len(json.dumps(body)) + 100)
    asking = asyncio.create_task(desk.embed(body))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    refused = 0
    async with asyncio.timeout(30):
        while True:
            try:
                await desk.embed(body)
                break
            except TokenisersBusyError:
                refused += 1
                await asyncio.sleep(0.01)
    assert refused


async def test_a_stale_directory_decides_nothing(desk: Desk) -> None:
    """A good key is not refused because we know too little."""
    desk.current.withdraw()
    with pytest.raises(DirectoryStaleError):
        await desk.embed({})
