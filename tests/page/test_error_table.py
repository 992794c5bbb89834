"""Every row of the page's table of authentication errors is produced by a real request."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import openai
import pytest

from authz.domain.directory import Endpoint
from stack.launch import RunningStack
from tests import unencrypted
from tests.customers import open_account, open_tier, revoke_key
from tests.waiting import wait_until

_PAGE = Path(__file__).with_name("product-page.txt").read_text()
_BODY = {"input": "Hello", "model": "Qwen/Qwen3-Embedding-8B"}


def _post(stack: RunningStack, headers: dict[str, str]) -> httpx.Response:
    return unencrypted.post(f"{stack.base_url}/embeddings", json=_BODY, headers=headers, timeout=30)


def _client(stack: RunningStack, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=stack.base_url, api_key=key, max_retries=0, timeout=30)


def _embed(client: openai.OpenAI) -> None:
    client.embeddings.create(input=_BODY["input"], model=_BODY["model"])


def _embed_often(client: openai.OpenAI) -> None:
    for _ in range(20):
        _embed(client)


def test_the_table_holds_no_other_rows() -> None:
    """A row that is added to the page needs a test here."""
    assert re.findall(r"^\| (\d{3}) \|", _PAGE, re.MULTILINE) == ["401", "403", "429"]


def test_a_missing_header_is_401(stack: RunningStack) -> None:
    """Without an Authorization header the caller is told how to send one."""
    answer = _post(stack, {})
    assert answer.status_code == 401
    assert "Authorization" in answer.json()["error"]["message"]
    assert answer.json()["error"]["code"] is None


@pytest.mark.parametrize(
    "key",
    ["sk-tessera-short", "sk-tessera-" + "0" * 40, "sk-other-" + "a" * 40],
    ids=["malformed", "wrong checksum", "another product's"],
)
def test_an_invalid_key_is_401(stack: RunningStack, key: str) -> None:
    """A key that cannot be ours is refused, and the SDK raises AuthenticationError."""
    with pytest.raises(openai.AuthenticationError) as raised:
        _embed(_client(stack, key))
    assert raised.value.code == "invalid_api_key"


def test_an_expired_key_is_401(stack: RunningStack) -> None:
    """A key dies at its expiry, without anyone's doing, and is never echoed."""
    key = open_account(stack, expires_at=datetime.now(UTC) + timedelta(seconds=4))
    headers = {"authorization": f"Bearer {key}"}
    wait_until(lambda: _post(stack, headers).status_code == 401)
    assert key not in _post(stack, headers).text


def test_a_revoked_key_is_401(stack: RunningStack) -> None:
    """A revoked key dies, and stays dead."""
    headers = {"authorization": f"Bearer {open_account(stack)}"}
    revoke_key(stack, headers["authorization"].removeprefix("Bearer "))
    wait_until(lambda: _post(stack, headers).status_code == 401)
    assert {_post(stack, headers).status_code for _ in range(20)} == {401}


def test_a_tier_without_the_endpoint_is_403(stack: RunningStack) -> None:
    """A good key whose tier does not cover the endpoint raises PermissionDeniedError."""
    key = open_account(stack, tier=open_tier(stack, endpoints={Endpoint.MODELS}))
    with pytest.raises(openai.PermissionDeniedError) as raised:
        _embed(_client(stack, key))
    assert raised.value.code == "tier_not_entitled"


def test_a_tier_without_the_model_is_403(stack: RunningStack) -> None:
    """The same for a model that the tier does not cover."""
    key = open_account(stack, tier=open_tier(stack, models={"another/model"}))
    with pytest.raises(openai.PermissionDeniedError) as raised:
        _embed(_client(stack, key))
    assert raised.value.code == "tier_not_entitled"


def test_a_spent_rate_limit_is_429(stack: RunningStack) -> None:
    """Past the tier's requests a minute the SDK raises RateLimitError and learns how long to wait.

    The bucket refills while the requests are made, so a slow machine may fit in one more.
    """
    client = _client(stack, open_account(stack, tier=open_tier(stack, requests_per_minute=3)))
    with pytest.raises(openai.RateLimitError) as raised:
        _embed_often(client)
    assert raised.value.code == "rate_limit_exceeded"
    assert "Limit 3" in raised.value.message
    assert 0 < int(raised.value.response.headers["retry-after-ms"]) <= 20_000
