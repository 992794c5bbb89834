"""The whole decision, over a ledger in memory."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from authz.domain.directory import Account, AccountId, Endpoint, Enforcement, KeyId, Tier
from authz.domain.evidence import Evidence, Source, Whose
from authz.domain.pepper import Pepper
from authz.domain.quota.amounts import Amounts, Dimension
from authz.domain.quota.outcome import Limited, Standing, Standings
from authz.domain.quota.quota import Limits
from authz.domain.undecided import DirectoryStaleError, TokenisersBusyError, UsageUnavailableError
from authz.domain.verdict import Allowed, Denied, Reason
from authz.service.check import Checker, Question
from authz.service.count_tokens import TokenCounter
from authz.service.quota.decision import NO_TICKET, Ticket
from contract.tokens import RequestTokenizer
from tests.authz.authenticators import make_authenticator
from tests.authz.charger.parts import Parts
from tests.authz.doubles import (
    ACCOUNT,
    NOW,
    TIER,
    key_text,
    make_current,
    make_directory,
    make_key,
)

_KEY = key_text()
_MODEL = "Qwen/Qwen3-Embedding-8B"


class _Desk:
    """A checker, with all that it asks."""

    def __init__(
        self,
        pepper: Pepper,
        tokenizer: RequestTokenizer,
        tier: Tier = TIER,
        account: Account = ACCOUNT,
        scopes: frozenset[Endpoint] = frozenset(Endpoint),
        expires_at: datetime | None = None,
        inline_bytes: int = 4096,
        queue_bytes_max: int = 1000,
    ) -> None:
        limits = Limits(tier.requests_per_minute, tier.tokens_per_minute, tier.tokens_per_month)
        self.charging = Parts(limits)
        self.recorded: list[tuple[str, Amounts, Ticket]] = []
        self.is_disk_full = False
        key = replace(make_key(pepper, _KEY, expires_at), scopes=scopes)
        self.key_id = key.id
        self.current = make_current(make_directory(key, tier=tier, account=account))
        counter = TokenCounter(tokenizer, inline_bytes, queue_bytes_max)
        self.checker = Checker(
            make_authenticator(self.current),
            counter,
            self.charging.charger,
            self._record,
            lambda: NOW,
            timedelta(days=30),
        )

    @property
    def asked(self) -> int:
        """How many statements were sent."""
        return self.charging.statements

    def _record(
        self, request_id: str, account_id: AccountId, key_id: KeyId, cost: Amounts, ticket: Ticket
    ) -> int:
        assert account_id == ACCOUNT.id
        assert key_id == self.key_id
        if self.is_disk_full:
            raise UsageUnavailableError
        self.recorded.append((request_id, cost, ticket))
        return 29

    async def embed(self, fields: Mapping[str, object]) -> Allowed | Denied:
        """Ask for embeddings."""
        return await self.post(json.dumps({"model": _MODEL, "input": "hello", **fields}).encode())

    async def post(self, body: bytes) -> Allowed | Denied:
        """Send a body."""
        question = Question("POST", "/v1/embeddings", f"Bearer {_KEY}", None, body, "req_1")
        return await self.checker.judge(question)

    async def list_models(self) -> Allowed | Denied:
        """Ask for the models."""
        return await self.checker.judge(Question("GET", "/v1/models", f"Bearer {_KEY}", None, b""))


@pytest.fixture
def desk(pepper: Pepper, tokenizer: RequestTokenizer) -> _Desk:
    """A checker for a key that may do everything."""
    return _Desk(pepper, tokenizer)


def _reason(verdict: Allowed | Denied) -> tuple[Reason, int]:
    assert isinstance(verdict, Denied)
    return verdict.reason, verdict.error.status


async def test_a_good_request_is_allowed_with_its_tokens(desk: _Desk) -> None:
    """`hello` is one token, and the model adds two of its own."""
    verdict = await desk.embed({})
    assert isinstance(verdict, Allowed)
    assert verdict.tokens == 3
    assert verdict.account_id == ACCOUNT.id
    assert verdict.minute == 29


async def test_an_allowed_request_is_charged_once(desk: _Desk) -> None:
    """In every dimension; and the verdict says what is left, and how that was decided."""
    verdict = await desk.embed({})
    assert desk.asked == 1
    assert verdict.standing is not None
    assert verdict.standing.requests.remaining == TIER.requests_per_minute - 1
    assert verdict.standing.tokens.remaining == TIER.tokens_per_minute - 3
    assert verdict.evidence == Evidence(
        *(Amounts(1, 3), None, Whose.ACCOUNT, Source.LEDGER, Amounts(0, 0), 10_000_000)
    )


async def test_what_is_charged_is_written_down_before_it_passes(desk: _Desk) -> None:
    """By the request's id, with what a refund needs."""
    await desk.embed({})
    [(request_id, cost, ticket)] = desk.recorded
    assert (request_id, cost) == ("req_1", Amounts(1, 3))
    assert ticket.account is not None


async def test_what_cannot_be_written_down_does_not_pass_and_is_not_charged(desk: _Desk) -> None:
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
    desk = _Desk(pepper, tokenizer, tier=replace(TIER, requests_per_minute=1))
    assert [isinstance(await desk.embed({}), Allowed) for _ in range(3)] == [True, False, False]
    assert len(desk.recorded) == 1


async def test_a_shadow_tier_refuses_nothing_and_its_requests_are_usage(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """What it would refuse passes without a charge, and is told in the evidence."""
    tier = replace(TIER, requests_per_minute=1, enforcement=Enforcement.SHADOW)
    desk = _Desk(pepper, tokenizer, tier=tier)
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
    desk: _Desk, fields: Mapping[str, object], status: int
) -> None:
    """It is refused before the ledger is asked."""
    assert _reason(await desk.embed(fields)) == (Reason.INVALID_REQUEST, status)
    assert desk.asked == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"input":"\xff"}', b"\x00"])
async def test_a_body_that_is_no_json_object_is_a_400(desk: _Desk, body: bytes) -> None:
    """Whatever its bytes."""
    assert _reason(await desk.post(body)) == (Reason.INVALID_REQUEST, 400)


async def test_a_refused_body_still_says_what_is_left(desk: _Desk) -> None:
    """Clients read the limits from 400s too."""
    await desk.embed({})
    verdict = await desk.embed({"input": ""})
    assert verdict.standing is not None
    assert verdict.standing.requests.remaining == TIER.requests_per_minute - 1
    assert verdict.standing.tokens.remaining == TIER.tokens_per_minute - 3


async def test_before_anything_is_known_a_refused_body_says_the_tiers_limits(
    desk: _Desk,
) -> None:
    """Nothing is used, as far as is known, and nobody is asked for it."""
    verdict = await desk.embed({"input": ""})
    assert verdict.standing == Standings(Standing(60, 60, 0), Standing(1000, 1000, 0))
    assert desk.asked == 0


async def test_the_limit_is_exact(pepper: Pepper, tokenizer: RequestTokenizer) -> None:
    """As many as were sold, and not one more."""
    desk = _Desk(pepper, tokenizer, tier=replace(TIER, requests_per_minute=3))
    verdicts = [await desk.embed({}) for _ in range(5)]
    assert [isinstance(verdict, Allowed) for verdict in verdicts] == [True] * 3 + [False] * 2


async def test_a_429_tells_limit_use_and_wait(pepper: Pepper, tokenizer: RequestTokenizer) -> None:
    """In the words that clients know."""
    desk = _Desk(pepper, tokenizer, tier=replace(TIER, requests_per_minute=3))
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
    desk = _Desk(pepper, tokenizer, tier=replace(TIER, tokens_per_minute=5))
    await desk.embed({})
    verdict = await desk.embed({})
    assert _reason(verdict) == (Reason.TOO_MANY_TOKENS, 429)
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
    desk = _Desk(pepper, tokenizer, tier=replace(TIER, tokens_per_minute=2))
    verdict = await desk.embed({})
    assert _reason(verdict) == (Reason.REQUEST_TOO_LARGE, 429)
    assert isinstance(verdict, Denied)
    assert "Request too large for" in verdict.error.message
    assert "Limit 2, Requested 3." in verdict.error.message
    assert verdict.error.headers()["x-should-retry"] == "false"


async def test_a_spent_month_is_not_to_be_repeated(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """However near its end is."""
    desk = _Desk(pepper, tokenizer, tier=replace(TIER, tokens_per_month=5))
    await desk.embed({})
    verdict = await desk.embed({})
    assert _reason(verdict) == (Reason.MONTH_SPENT, 429)
    assert isinstance(verdict, Denied)
    assert (verdict.error.type, verdict.error.code) == ("insufficient_quota",) * 2
    assert verdict.error.headers()["x-should-retry"] == "false"


async def test_a_refusal_says_whose_it_was_and_why(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """For whoever asks later."""
    desk = _Desk(pepper, tokenizer, tier=replace(TIER, requests_per_minute=1))
    await desk.embed({})
    verdict = await desk.embed({})
    assert isinstance(verdict, Denied)
    assert (verdict.account_id, verdict.key_id) == (ACCOUNT.id, desk.key_id)
    assert verdict.evidence is not None
    assert verdict.evidence.limited == Limited(Dimension.REQUESTS, 1, 1, 1, 60_000_000)
    assert verdict.standing is not None
    assert verdict.standing.requests == Standing(1, 0, 60_000_000)


async def test_models_are_listed_without_charge(desk: _Desk) -> None:
    """But not without a key."""
    assert isinstance(await desk.list_models(), Allowed)
    assert desk.asked == 0
    assert desk.recorded == []
    denied = await desk.checker.judge(Question("GET", "/v1/models", None, None, b""))
    assert _reason(denied) == (Reason.MISSING_KEY, 401)


async def test_a_tier_without_the_endpoint_is_a_403(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """Before the body is read."""
    desk = _Desk(pepper, tokenizer, tier=replace(TIER, endpoints={Endpoint.MODELS}))
    assert _reason(await desk.post(b"")) == (Reason.ENDPOINT_NOT_ENTITLED, 403)


async def test_a_key_without_the_scope_is_a_403(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """Though its account's tier covers the endpoint."""
    desk = _Desk(pepper, tokenizer, scopes=frozenset({Endpoint.EMBEDDINGS}))
    assert _reason(await desk.list_models()) == (Reason.ENDPOINT_NOT_IN_SCOPE, 403)


@pytest.mark.parametrize("covered", [_MODEL, "sentence-transformers/all-MiniLM-L6-v2"])
async def test_a_tier_covers_a_model_by_any_of_its_names(
    pepper: Pepper, tokenizer: RequestTokenizer, covered: str
) -> None:
    """The alias that was asked for, or the model behind it."""
    desk = _Desk(pepper, tokenizer, tier=replace(TIER, models={covered}))
    assert isinstance(await desk.embed({}), Allowed)


async def test_a_tier_without_the_model_is_a_403(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """And an unknown model is a 404 all the same."""
    desk = _Desk(pepper, tokenizer, tier=replace(TIER, models={"other"}))
    assert _reason(await desk.embed({})) == (Reason.MODEL_NOT_ENTITLED, 403)
    assert _reason(await desk.embed({"model": "other"})) == (Reason.INVALID_REQUEST, 404)


async def test_a_tiers_items_are_limited(desk: _Desk) -> None:
    """Exactly at its maximum."""
    assert isinstance(await desk.embed({"input": ["a"] * TIER.items_max}), Allowed)
    refused = await desk.embed({"input": ["a"] * (TIER.items_max + 1)})
    assert _reason(refused) == (Reason.TOO_MANY_ITEMS, 400)


async def test_an_unknown_path_is_a_404(desk: _Desk) -> None:
    """Should Envoy ever let one through."""
    question = Question("POST", "/v1/chat", f"Bearer {_KEY}", None, b"")
    assert _reason(await desk.checker.judge(question)) == (Reason.UNKNOWN_URL, 404)


async def test_a_long_body_counts_the_same_in_a_thread(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """Where it is counted changes nothing of the verdict."""
    desk = _Desk(pepper, tokenizer, inline_bytes=1)
    verdict = await desk.embed({})
    assert isinstance(verdict, Allowed)
    assert verdict.tokens == 3


async def test_too_many_long_bodies_are_turned_away(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """Rather than kept waiting without end; whose body it was can be told later."""
    desk = _Desk(pepper, tokenizer, inline_bytes=1, queue_bytes_max=10)
    with pytest.raises(TokenisersBusyError) as caught:
        await desk.embed({})
    assert (caught.value.account_id, caught.value.key_id) == (ACCOUNT.id, desk.key_id)


async def test_a_stale_directory_decides_nothing(desk: _Desk) -> None:
    """A good key is not refused because we know too little."""
    desk.current.withdraw()
    with pytest.raises(DirectoryStaleError):
        await desk.embed({})


_NOTICE = timedelta(days=30)


@pytest.mark.parametrize(
    "body", [b'{"model":"m","input":""}', b"{", b'{"model":"gpt-4","input":"a"}']
)
async def test_a_key_near_its_end_has_it_told_with_refusals(
    pepper: Pepper, tokenizer: RequestTokenizer, body: bytes
) -> None:
    """Where the caller watches for errors."""
    desk = _Desk(pepper, tokenizer, expires_at=NOW + _NOTICE)
    verdict = await desk.post(body)
    assert isinstance(verdict, Denied)
    assert verdict.key_expires_at == NOW + _NOTICE


async def test_a_key_near_its_end_has_it_told_with_successes_and_limits(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """On every endpoint, and on a 403 and a 429."""
    tier = replace(TIER, requests_per_minute=1)
    ends = NOW + timedelta(microseconds=1)
    desk = _Desk(pepper, tokenizer, tier=tier, expires_at=ends)
    verdicts = [await desk.embed({}), await desk.embed({}), await desk.list_models()]
    narrow = _Desk(pepper, tokenizer, scopes=frozenset({Endpoint.MODELS}), expires_at=ends)
    verdicts.append(await narrow.embed({}))
    assert [verdict.key_expires_at for verdict in verdicts] == [ends] * 4


@pytest.mark.parametrize("expires_at", [None, NOW + _NOTICE + timedelta(microseconds=1)])
async def test_a_key_far_from_its_end_tells_nothing(
    pepper: Pepper, tokenizer: RequestTokenizer, expires_at: datetime | None
) -> None:
    """Nor does one without an end."""
    desk = _Desk(pepper, tokenizer, expires_at=expires_at)
    verdicts = [await desk.embed({}), await desk.embed({"input": ""}), await desk.list_models()]
    assert [verdict.key_expires_at for verdict in verdicts] == [None] * 3


async def test_a_key_that_has_ended_tells_nothing_of_its_end(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """It is no key any more."""
    desk = _Desk(pepper, tokenizer, expires_at=NOW)
    verdict = await desk.embed({})
    assert _reason(verdict) == (Reason.EXPIRED_KEY, 401)
    assert verdict.key_expires_at is None
