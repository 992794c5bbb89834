"""Bad input on the whole path: Envoy, authz and adapter each answer in OpenAI's shape."""

import json
from dataclasses import dataclass

import httpx
import pytest

from stack.launch import RunningStack
from tests import unencrypted
from tests.customers import open_account, open_tier

_MODEL = "Qwen/Qwen3-Embedding-8B"


@dataclass(frozen=True)
class Case:
    """A body, and what is to be answered."""

    body: bytes
    status: int
    param: str | None
    message: str


def _case(status: int, param: str | None, message: str, **fields: object) -> Case:
    body = {"model": _MODEL, "input": "Hello"} | fields
    return Case(json.dumps(body).encode(), status, param, message)


_CASES = {
    "invalid JSON": Case(b'{"input": ', 400, None, "could not parse the JSON"),
    "not an object": Case(b"[]", 400, None, "could not parse the JSON"),
    "not UTF-8": Case(b'{"input": "\xff\xfe", "model": "m"}', 400, None, "could not parse"),
    "empty body": Case(b"", 400, None, "could not parse the JSON"),
    "no model": Case(b'{"input": "a"}', 400, "model", "Missing required parameter"),
    "no input": Case(b'{"model": "m"}', 400, "input", "Missing required parameter"),
    "unknown model": _case(404, "model", "The model `gpt-9` does not exist", model="gpt-9"),
    "empty text": _case(400, "input", "empty", input=""),
    "empty array": _case(400, "input", "empty", input=[]),
    "empty item": _case(400, "input", "Item 1 must not be empty", input=["a", ""]),
    "a number": _case(400, "input", "Expected a string", input=7),
    "mixed items": _case(400, "input", "Strings and token ids", input=["a", [1]]),
    "2,049 items": _case(400, "input", "2049 items", input=["a"] * 2049),
    "one token too long": _case(
        400, "input", "maximum context length is 512 tokens, however", input=["a", "a " * 511]
    ),
    "a sum one token too large": _case(
        400, "input", "Requested 300001 tokens, max 300000", input=["a " * 508] * 588 + ["a " * 119]
    ),
    "dimensions 0": _case(400, "dimensions", "0 is less than the minimum", dimensions=0),
    "dimensions too large": _case(400, "dimensions", "385 is greater", dimensions=385),
    "dimensions a string": _case(400, "dimensions", "Expected an integer", dimensions="32"),
    "encoding unknown": _case(400, "encoding_format", "Expected 'float'", encoding_format="hex"),
    "token id too large": _case(400, "input", "Token id 30522 in input 0", input=[1, 30522]),
    "token id negative": _case(400, "input", "Token id -1 in input 0", input=[-1]),
}


@pytest.mark.parametrize("case", _CASES.values(), ids=_CASES.keys())
def test_bad_input_is_answered_in_the_callers_terms(stack: RunningStack, case: Case) -> None:
    """The status, the parameter at fault and the reason, and a request id to ask about."""
    answer = _post(stack, case.body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (case.status, case.param)
    assert case.message in error["message"]
    assert set(error) == {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"].startswith("req_")


def test_a_body_of_nine_mebibytes_is_413(stack: RunningStack) -> None:
    """What the edge will not hold is refused by its size."""
    answer = _post(stack, b"x" * (9 * 2**20))
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "request_too_large"


def test_bad_input_is_not_charged(stack: RunningStack) -> None:
    """Refused bodies leave an account with two requests a minute both of them."""
    key = open_account(stack, tier=open_tier(stack, requests_per_minute=2))
    good = json.dumps({"model": _MODEL, "input": "Hello"}).encode()
    assert {_post(stack, b"{}", key).status_code for _ in range(5)} == {400}
    assert [_post(stack, good, key).status_code for _ in range(2)] == [200, 200]


def test_unknown_fields_are_ignored(stack: RunningStack) -> None:
    """What OpenAI may add tomorrow does not break a client today."""
    body = {"model": _MODEL, "input": "Hello", "service_tier": "auto", "x": {"y": 1}}
    assert _post(stack, json.dumps(body).encode()).status_code == 200


def test_the_longest_input_and_the_largest_sum_are_served(stack: RunningStack) -> None:
    """Each limit is the last value that is served, not the first that is refused."""
    longest = {"model": _MODEL, "input": "a " * 510, "encoding_format": "base64"}
    answer = _post(stack, json.dumps(longest).encode())
    assert answer.status_code == 200
    assert answer.json()["usage"] == {"prompt_tokens": 512, "total_tokens": 512}
    most = {"model": _MODEL, "input": ["a"] * 2048, "encoding_format": "base64"}
    answer = _post(stack, json.dumps(most).encode())
    assert answer.status_code == 200
    assert [item["index"] for item in answer.json()["data"]] == list(range(2048))


def _post(stack: RunningStack, body: bytes, key: str | None = None) -> httpx.Response:
    return unencrypted.post(
        f"{stack.base_url}/embeddings",
        content=body,
        headers={"authorization": f"Bearer {key or stack.key}", "content-type": "application/json"},
        timeout=60,
    )
