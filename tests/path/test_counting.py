"""Counting and cutting, on the whole path and by both official SDKs."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import openai
import pytest

from contract.headers import MODEL_FINGERPRINT
from stack.launch import RunningStack
from tests.customers import open_account, open_tier

_MODEL: Final = "Qwen/Qwen3-Embedding-8B"
_SERVED: Final = "sentence-transformers/all-MiniLM-L6-v2"
_NODE_MODULES: Final = Path(__file__).parents[1] / "page" / "node" / "node_modules"
_GUIDE: Final = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
_LONG: Final = "a " * 598  # 600 tokens, of which the model takes 512
_BODY: Final[dict[str, Any]] = {"model": _MODEL, "input": ["hello world", _LONG]}


@pytest.fixture(scope="module")
def client(stack: RunningStack) -> Iterator[openai.OpenAI]:
    """The Python SDK, as the page sets it up; it does not retry, so nothing is hidden."""
    with openai.OpenAI(base_url=stack.base_url, api_key=stack.key, max_retries=0) as client:
        yield client


def _count(client: openai.OpenAI, body: Mapping[str, Any]) -> dict[str, Any]:
    return client.post("/embeddings/count", body=dict(body), cast_to=dict[str, Any])


def test_a_count_says_what_embedding_would_cost(client: openai.OpenAI) -> None:
    """To the token: the same body, embedded, uses what was counted."""
    body = _BODY | {"truncate": "tail"}
    counted = _count(client, body)
    assert counted["model"] == _SERVED
    assert [
        (item["index"], item["tokens"], item["truncated_tokens"]) for item in counted["data"]
    ] == [
        (0, 4, 0),
        (1, 600, 88),
    ]
    answer = client.embeddings.create(
        model=_MODEL, input=body["input"], extra_body={"truncate": "tail"}
    )
    assert answer.usage.total_tokens == counted["total_tokens"] == 516


def test_the_guides_example_is_what_happens(client: openai.OpenAI) -> None:
    """Its call can be copied, and its answer is one that comes."""
    section = _GUIDE.partition("## `POST /v1/embeddings/count`")[2]
    call, told = re.findall(r"^```\w+\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)[:2]
    call = call.replace('{"model": …, "input": …}', "body")
    names = {"client": client, "body": _BODY | {"input": _LONG}}
    answer = eval(call, names)  # noqa: S307 - of our own page
    expected = json.loads(told)
    assert answer.pop("remaining").keys() == expected.pop("remaining").keys()
    assert answer == expected


def test_every_answer_names_the_model_whatever_the_client_says(stack: RunningStack) -> None:
    """One fingerprint, of vectors, counts and models, and never one that was sent."""
    headers = {"authorization": f"Bearer {stack.key}", MODEL_FINGERPRINT: "forged"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=30) as client:
        answers = [
            client.post("embeddings", json=_BODY | {"input": "hello"}),
            client.post("embeddings/count", json=_BODY),
            client.get("models"),
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    told = {tuple(answer.headers.get_list(MODEL_FINGERPRINT)) for answer in answers}
    assert len(told) == 1
    ((fingerprint,),) = told
    assert re.fullmatch("[0-9a-f]{16}", fingerprint)


def test_counting_takes_one_request_and_no_tokens(stack: RunningStack) -> None:
    """And says the same of it in its headers and in its body, the month's rest besides."""
    tier = open_tier(stack, requests_per_minute=60, tokens_per_minute=6000, tokens_per_month=10_000)
    headers = {"authorization": f"Bearer {open_account(stack, tier=tier)}"}
    url = f"{stack.base_url}/embeddings"
    httpx.post(url, json=_BODY | {"input": "hello"}, headers=headers, timeout=30)
    answer = httpx.post(f"{url}/count", json=_BODY, headers=headers, timeout=30)
    assert answer.status_code == 200
    assert answer.json()["remaining"] == {"requests": 58, "tokens": 5997, "month_tokens": 9997}
    assert answer.json()["limits"] == {"tokens_per_input": 512, "tokens_per_request": 300_000}
    told = [answer.headers[f"x-ratelimit-remaining-{what}"] for what in ("requests", "tokens")]
    assert told == ["58", "5997"]
    assert "x-ratelimit-reset-tokens" in answer.headers


def test_counting_ends_where_the_requests_of_a_minute_do(stack: RunningStack) -> None:
    """Nobody makes the service tokenise without end."""
    key = open_account(stack, tier=open_tier(stack, requests_per_minute=2))
    with openai.OpenAI(base_url=stack.base_url, api_key=key, max_retries=0) as client:
        for _ in range(2):
            _count(client, _BODY)
        with pytest.raises(openai.RateLimitError) as raised:
            _count(client, _BODY)
    assert raised.value.type == "requests"


@pytest.mark.parametrize(
    ("fields", "kind", "param"),
    [
        ({"input": ""}, openai.BadRequestError, "input"),
        ({"input": ["a " * 400] * 800}, openai.BadRequestError, "input"),
        ({"truncate": "start"}, openai.BadRequestError, "truncate"),
        ({"input_type": "query"}, openai.BadRequestError, "input_type"),
        ({"model": "gpt-9/none"}, openai.NotFoundError, "model"),
    ],
)
def test_what_embeddings_refuse_is_not_counted(
    client: openai.OpenAI,
    fields: dict[str, Any],
    kind: type[openai.APIStatusError],
    param: str,
) -> None:
    """With the same error, but for inputs that are too long."""
    with pytest.raises(kind) as counted:
        _count(client, _BODY | fields)
    with pytest.raises(kind) as embedded:
        client.post(
            "/embeddings", body=_BODY | {"truncate": "tail"} | fields, cast_to=dict[str, Any]
        )
    assert counted.value.param == param
    assert counted.value.body == embedded.value.body


@pytest.mark.parametrize(("truncate", "like"), [("head", "the end"), ("tail", "the beginning")])
def test_a_cut_input_is_parsed_by_the_sdk_and_says_what_was_cut(
    client: openai.OpenAI, truncate: str, like: str
) -> None:
    """Its vector is that of the part which was left."""
    part = " ".join(["a"] * 510)
    text = {"the end": f"zebra zebra {part}", "the beginning": f"{part} zebra zebra"}[like]
    for encoding in ("float", "base64", None):
        answer = client.embeddings.create(
            model=_MODEL,
            input=[text, part],
            extra_body={"truncate": truncate} | ({"encoding_format": encoding} if encoding else {}),
        )
        cut, whole = answer.data
        assert cut.truncated_tokens == 2  # type: ignore[attr-defined]
        assert not hasattr(whole, "truncated_tokens")
        assert cut.embedding == pytest.approx(whole.embedding, abs=1e-5)
        assert answer.usage.total_tokens == 1024


def test_what_is_too_long_is_refused_unless_it_may_be_cut(client: openai.OpenAI) -> None:
    """The default cuts nothing, by whatever name."""
    for extra in ({}, {"truncate": "none"}, {"truncate": None}):
        with pytest.raises(openai.BadRequestError) as raised:
            client.embeddings.create(model=_MODEL, input=_BODY["input"], extra_body=extra)
        assert raised.value.param == "input"
        assert "600 tokens in input 1" in raised.value.message


def test_a_model_without_prompts_says_so_and_takes_documents(client: openai.OpenAI) -> None:
    """Here the model behind the name is one that was trained without."""
    plain = client.embeddings.create(model=_MODEL, input="hello")
    document = client.embeddings.create(
        model=_MODEL, input="hello", extra_body={"input_type": "document"}
    )
    assert document.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)
    for extra in ({"input_type": "query"}, {"instruction": "Find"}):
        with pytest.raises(openai.BadRequestError) as raised:
            client.embeddings.create(model=_MODEL, input="hello", extra_body=extra)
        assert raised.value.param == next(iter(extra))
        assert _SERVED in raised.value.message


_SCRIPT: Final = """
import OpenAI from "openai";
const client = new OpenAI({
  baseURL: process.env.OPENAI_BASE_URL, apiKey: process.env.OPENAI_API_KEY, maxRetries: 0
});
const {model, input} = JSON.parse(process.env.BODY);
const seen = {};
const counted = await client.post("/embeddings/count", {body: {model, input}});
seen.counted = counted.data.map((item) => [item.tokens, item.truncated_tokens]);
seen.total = counted.total_tokens;
const answer = await client.embeddings.create({model, input, truncate: "head"});
seen.widths = answer.data.map((item) => item.embedding.length);
seen.cut = answer.data.map((item) => item.truncated_tokens ?? null);
seen.usage = answer.usage.total_tokens;
for (const extra of [{}, {truncate: "tail", input_type: "query"}]) {
  const refused = await client.embeddings.create({model, input, ...extra}).catch((error) => error);
  (seen.refused ??= []).push([refused.constructor.name, refused.param]);
}
console.log(JSON.stringify(seen));
"""


def test_node_does_all_of_it_too(stack: RunningStack, tmp_path: Path) -> None:
    """It sends fields that it does not know, and leaves those of the answer that it does not."""
    (tmp_path / "node_modules").symlink_to(_NODE_MODULES)
    (tmp_path / "script.mjs").write_text(_SCRIPT)
    ended = subprocess.run(
        [str(Path(sys.executable).with_name("node")), "script.mjs"],
        cwd=tmp_path,
        env={
            **os.environ,
            "OPENAI_BASE_URL": stack.base_url,
            "OPENAI_API_KEY": stack.key,
            "BODY": json.dumps(_BODY),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "counted": [[4, 0], [600, 88]],
        "total": 516,
        "widths": [384, 384],
        "cut": [None, 88],
        "usage": 516,
        "refused": [["BadRequestError", "input"], ["BadRequestError", "input_type"]],
    }
