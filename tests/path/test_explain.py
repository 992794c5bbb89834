"""A refusal on the whole path is explained by the id that its client was told."""

import json
from typing import Any, Final

import httpx
from typer.testing import CliRunner, Result

from authz.domain.directory import Enforcement
from cli.main import app
from stack.launch import RunningStack
from tests import unencrypted
from tests.authz.doubles import key_text
from tests.customers import open_account, open_tier
from tests.waiting import wait_until

_BODY: Final = {"model": "Qwen/Qwen3-Embedding-8B", "input": "Hello"}
_LIMIT: Final = 3
_NOT_KEPT: Final = 1


def test_a_429_is_explained_by_its_request_id(stack: RunningStack) -> None:
    """Limit, used, requested, wait, the lease, the state of the directory, and the process."""
    key = open_account(stack, tier=open_tier(stack, requests_per_minute=_LIMIT))
    answer = _embed_until(stack, key, 429)
    told = answer.json()["error"]["message"]
    explained = _explain(stack, answer)
    assert (explained["verdict"], explained["status"]) == ("refused", 429)
    assert (explained["reason"], explained["code"]) == ("too_many_requests", "rate_limit_exceeded")
    limit = explained["limit"]
    numbers = f"Limit {limit['limit']}, Used {limit['used']}, Requested {limit['requested']}"
    assert numbers in told
    assert (limit["limit"], limit["dimension"], limit["budget"]) == (_LIMIT, "requests", "account")
    assert round(limit["wait_seconds"] * 1000) <= int(answer.headers["retry-after-ms"])
    assert explained["source"] in {"lease", "ledger"}
    assert explained["process"] == "authz-1"
    assert explained["directory_number"] > 0
    assert 0 <= explained["directory_age_seconds"] < 60
    assert explained["account_name"].startswith("test ")
    text = _run(stack, "explain", answer.headers["x-request-id"]).stdout
    assert "had used up its requests per minute" in text
    assert key not in text


def test_what_is_refused_is_listed_for_its_account(stack: RunningStack) -> None:
    """By its key and reason, too."""
    key = open_account(stack, tier=open_tier(stack, requests_per_minute=_LIMIT))
    explained = _explain(stack, _embed_until(stack, key, 429))
    words = ("--account", explained["account_name"], "--key-id", explained["key_id"])
    listed = _run(stack, "decisions", "list", *words, "--reason", "too_many_requests")
    assert explained["request_id"] in listed.stdout


def test_what_a_shadow_tier_lets_pass_is_explained(stack: RunningStack) -> None:
    """With the limit that would have refused it."""
    tier = open_tier(stack, requests_per_minute=_LIMIT, enforcement=Enforcement.SHADOW)
    key = open_account(stack, tier=tier)
    answers = [_embed(stack, key) for _ in range(_LIMIT + 2)]
    assert {answer.status_code for answer in answers} == {200}
    explained = _explain(stack, answers[-1])
    assert (explained["verdict"], explained["reason"]) == ("shadow", "too_many_requests")
    assert explained["limit"]["limit"] == _LIMIT


def test_a_key_that_nobody_has_is_explained(stack: RunningStack) -> None:
    """As far as there is something to know."""
    explained = _explain(stack, _embed(stack, key_text(61)))
    assert (explained["status"], explained["reason"]) == (401, "unknown_key")
    assert explained["account_id"] is None


def test_what_envoy_refused_is_said_not_to_be_kept(stack: RunningStack) -> None:
    """With where it is found instead: there it is."""
    answer = _embed(stack, "sk-nothing")
    request_id = answer.headers["x-request-id"]
    result = _run(stack, "explain", request_id)
    assert result.exit_code == _NOT_KEPT
    assert "`tessera logs envoy | grep REQUEST`" in result.stderr
    wait_until(lambda: request_id in _run(stack, "logs", "envoy").stdout)


def _explain(stack: RunningStack, answer: httpx.Response) -> dict[str, Any]:
    """Return what is kept of an answer, once it is: it is written a moment later."""
    request_id = answer.headers["x-request-id"]
    wait_until(lambda: _run(stack, "explain", request_id).exit_code == 0)
    shown = _run(stack, "explain", request_id, "--output", "json").stdout
    explained: dict[str, Any] = json.loads(shown)["decision"]
    return explained


def _run(stack: RunningStack, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--state", str(stack.layout.state)])


def _embed(stack: RunningStack, key: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return unencrypted.post(f"{stack.base_url}/embeddings", headers=headers, json=_BODY, timeout=30)


def _embed_until(stack: RunningStack, key: str, status: int) -> httpx.Response:
    for _ in range(_LIMIT * 3):
        answer = _embed(stack, key)
        if answer.status_code == status:
            return answer
    raise AssertionError(f"the last was {answer.status_code}")
