"""The whole decision: a key near its end has that told."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from authz.domain.directory import Endpoint
from authz.domain.pepper import Pepper
from authz.domain.verdict import Denied, Reason
from contract.tokens import RequestTokenizer
from tests.authz.desk import Desk, refusal
from tests.authz.doubles import NOW, TIER

_NOTICE: Final = timedelta(days=30)


@pytest.mark.parametrize(
    "body", [b'{"model":"m","input":""}', b"{", b'{"model":"gpt-4","input":"a"}']
)
async def test_a_key_near_its_end_has_it_told_with_refusals(
    pepper: Pepper, tokenizer: RequestTokenizer, body: bytes
) -> None:
    """Where the caller watches for errors."""
    desk = Desk(pepper, tokenizer, expires_at=NOW + _NOTICE)
    verdict = await desk.post(body)
    assert isinstance(verdict, Denied)
    assert verdict.key_expires_at == NOW + _NOTICE


async def test_a_key_near_its_end_has_it_told_with_successes_and_limits(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """On every endpoint, and on a 403 and a 429."""
    tier = replace(TIER, requests_per_minute=1)
    ends = NOW + timedelta(microseconds=1)
    desk = Desk(pepper, tokenizer, tier=tier, expires_at=ends)
    verdicts = [await desk.embed({}), await desk.embed({}), await desk.list_models()]
    narrow = Desk(pepper, tokenizer, scopes=frozenset({Endpoint.MODELS}), expires_at=ends)
    verdicts.append(await narrow.embed({}))
    assert [verdict.key_expires_at for verdict in verdicts] == [ends] * 4


@pytest.mark.parametrize("expires_at", [None, NOW + _NOTICE + timedelta(microseconds=1)])
async def test_a_key_far_from_its_end_tells_nothing(
    pepper: Pepper, tokenizer: RequestTokenizer, expires_at: datetime | None
) -> None:
    """Nor does one without an end."""
    desk = Desk(pepper, tokenizer, expires_at=expires_at)
    verdicts = [await desk.embed({}), await desk.embed({"input": ""}), await desk.list_models()]
    assert [verdict.key_expires_at for verdict in verdicts] == [None] * 3


async def test_a_key_that_has_ended_tells_nothing_of_its_end(
    pepper: Pepper, tokenizer: RequestTokenizer
) -> None:
    """It is no key any more."""
    desk = Desk(pepper, tokenizer, expires_at=NOW)
    verdict = await desk.embed({})
    assert refusal(verdict) == (Reason.EXPIRED_KEY, 401)
    assert verdict.key_expires_at is None
