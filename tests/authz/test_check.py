"""The whole decision, over a ledger in memory."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from authz.domain.directory import Account, Endpoint, Tier
from authz.domain.pepper import Pepper
from authz.domain.undecided import DirectoryStaleError, TokenisersBusyError
from authz.domain.verdict import Allowed, Denied, Reason
from authz.service.breaker import Breaker
from authz.service.check import Checker, Question
from authz.service.count_tokens import TokenCounter
from authz.service.local_share import LocalShare
from authz.service.request_quota import RequestQuota
from contract.tokens import RequestTokenizer
from tests.authz.authenticators import make_authenticator
from tests.authz.doubles import (
    ACCOUNT,
    NOW,
    TIER,
    FakeLedger,
    ManualClock,
    key_text,
    make_current,
    make_directory,
    make_key,
    make_quota_metrics,
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
        clock = ManualClock()
        self.ledger = FakeLedger(clock)
        metrics = make_quota_metrics()
        breaker = Breaker(self.ledger.ping, 3600, 300, clock, metrics)
        quota = RequestQuota(self.ledger, LocalShare(1, clock), breaker, metrics, 0.0)
        key = replace(make_key(pepper, _KEY, expires_at), scopes=scopes)
        self.current = make_current(make_directory(key, tier=tier, account=account))
        counter = TokenCounter(tokenizer, inline_bytes, queue_bytes_max)
        self.checker = Checker(
            make_authenticator(self.current), counter, quota, lambda: NOW, timedelta(days=30)
        )

    async def embed(self, fields: Mapping[str, object]) -> Allowed | Denied:
        """Ask for embeddings."""
        return await self.post(json.dumps({"model": _MODEL, "input": "hello", **fields}).encode())

    async def post(self, body: bytes) -> Allowed | Denied:
        """Send a body."""
        question = Question("POST", "/v1/embeddings", f"Bearer {_KEY}", None, body)
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


async def test_an_allowed_request_is_charged_once(desk: _Desk) -> None:
    """And the verdict says what is left."""
    verdict = await desk.embed({})
    assert desk.ledger.asked == [1]
    assert verdict.bucket is not None
    assert verdict.bucket.remaining == TIER.requests_per_minute - 1


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
    assert desk.ledger.asked == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"input":"\xff"}', b"\x00"])
async def test_a_body_that_is_no_json_object_is_a_400(desk: _Desk, body: bytes) -> None:
    """Whatever its bytes."""
    assert _reason(await desk.post(body)) == (Reason.INVALID_REQUEST, 400)


async def test_a_refused_body_still_says_what_is_left(desk: _Desk) -> None:
    """Clients read the limits from 400s too."""
    await desk.embed({})
    verdict = await desk.embed({"input": ""})
    assert verdict.bucket is not None
    assert verdict.bucket.remaining == TIER.requests_per_minute - 1


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


async def test_models_are_listed_without_charge(desk: _Desk) -> None:
    """But not without a key."""
    assert isinstance(await desk.list_models(), Allowed)
    assert desk.ledger.asked == []
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
    """Rather than kept waiting without end."""
    desk = _Desk(pepper, tokenizer, inline_bytes=1, queue_bytes_max=10)
    with pytest.raises(TokenisersBusyError):
        await desk.embed({})


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
