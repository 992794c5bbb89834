"""Which answers tell how much of a minute is left."""

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx
import pytest

from authz.domain.directory import Endpoint
from stack.launch import RunningStack
from tests import unencrypted
from tests.customers import open_account, open_suspended_account, open_tier

_GOOD: Final = {"model": "Qwen/Qwen3-Embedding-8B", "input": "Hello"}  # 3 tokens
_PREFIX: Final = "x-ratelimit-"
_GO_DURATION: Final = r"(\d+h)?(\d+m)?\d+(\.\d+)?(s|ms)"


def _post(stack: RunningStack, key: str, body: Mapping[str, Any] = _GOOD) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return unencrypted.post(f"{stack.base_url}/embeddings", json=body, headers=headers, timeout=30)


def _told(answer: httpx.Response) -> dict[str, str]:
    pairs = answer.headers.items()
    return {name.removeprefix(_PREFIX): value for name, value in pairs if _PREFIX in name}


def test_a_success_tells_what_is_left_of_both_limits(stack: RunningStack) -> None:
    """One request and its tokens less, and when each is whole again."""
    key = open_account(stack, tier=open_tier(stack, requests_per_minute=60, tokens_per_minute=6000))
    answer = _post(stack, key)
    assert answer.status_code == 200
    told = _told(answer)
    resets = [told.pop(f"reset-{what}") for what in ("requests", "tokens")]
    assert all(re.fullmatch(_GO_DURATION, reset) for reset in resets)
    assert told == {
        "limit-requests": "60",
        "limit-tokens": "6000",
        "remaining-requests": "59",
        "remaining-tokens": "5997",
    }


def test_a_key_with_limits_of_its_own_is_told_those(stack: RunningStack) -> None:
    """They are what it can run into first."""
    key = open_account(stack, requests_per_minute=60, tokens_per_minute=6000)
    told = _told(_post(stack, key))
    assert (told["limit-requests"], told["limit-tokens"]) == ("60", "6000")


def test_a_bad_request_tells_it_too_and_costs_nothing(stack: RunningStack) -> None:
    """All six, whichever part of the product found the mistake."""
    key = open_account(stack, tier=open_tier(stack, requests_per_minute=60, tokens_per_minute=6000))
    for body in ({"input": "Hello"}, _GOOD | {"input": ""}, _GOOD | {"dimensions": 0}):
        answer = _post(stack, key, body)
        assert answer.status_code == 400
        told = _told(answer)
        assert len(told) == 6
        assert (told["remaining-requests"], told["remaining-tokens"]) == ("60", "6000")


def test_a_refusal_for_a_limit_tells_what_is_left(stack: RunningStack) -> None:
    """None of what ran out."""
    key = open_account(stack, tier=open_tier(stack, requests_per_minute=1))
    answers = [_post(stack, key) for _ in range(2)]
    assert answers[-1].status_code == 429
    told = _told(answers[-1])
    assert len(told) == 6
    assert told["remaining-requests"] == "0"


@pytest.mark.parametrize("status", [401, 403, 404])
def test_other_refusals_tell_nothing(stack: RunningStack, status: int) -> None:
    """Of a key that is none, of an account or a key that may not, of a model that there is not."""
    no_embeddings = open_tier(stack, endpoints={Endpoint.MODELS})
    no_such_model = open_tier(stack, models={"another/model"})
    answers = {
        401: lambda: [_post(stack, "sk-tessera-none")],
        403: lambda: [
            _post(stack, open_suspended_account(stack)),
            _post(stack, open_account(stack, tier=no_embeddings)),
            _post(stack, open_account(stack, tier=no_such_model)),
        ],
        404: lambda: [_post(stack, stack.key, _GOOD | {"model": "gpt-9/none"})],
    }[status]()
    assert [answer.status_code for answer in answers] == [status] * len(answers)
    assert [_told(answer) for answer in answers] == [{}] * len(answers)
